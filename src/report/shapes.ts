// Owns the shapes that the pictures are drawn with: boxes, and text that fits.
// Measures in units of the picture; what is drawn where is for the pictures to say.

import { type Html, type HtmlValue, markup } from './html.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Width of a letter of 13 units, rather too much than too little. */
const letterWidth = 7.8;

/** A rectangle of a class of the style sheet; `inside` is its title. */
export function rect(kind: string, { x, y, width, height }: Box, radius: number, inside?: HtmlValue): Html {
  return markup`<rect class="${kind}" x="${units(x)}" y="${units(y)}" width="${units(width)}" height="${units(height)}" rx="${radius}">${inside}</rect>`;
}

/** Room that a text takes, rather too much than too little. */
export function textWidth(text: string): number {
  return text.length * letterWidth;
}

/** Text from `x` to the right, shortened to the width; the whole of it is its title. */
export function fittingText(kind: string, x: number, y: number, text: string, width: number): Html {
  const most = Math.floor(width / letterWidth);
  const short = text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
  return markup`<text class="${kind}" x="${x}" y="${y}">${short}<title>${text}</title></text>`;
}

/** Text that ends at `x`. */
export function endText(x: number, y: number, text: string, title = text): Html {
  return markup`<text class="use" x="${x}" y="${y}" text-anchor="end">${text}<title>${title}</title></text>`;
}

/** Tenths are finer than any screen shows. */
function units(value: number): number {
  return Math.round(value * 10) / 10;
}
