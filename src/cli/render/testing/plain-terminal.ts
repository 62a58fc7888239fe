// A terminal of a given width without colours, for tests of screens.

import type { Terminal } from '../../context.ts';

export function plainTerminal(widthColumns: number | undefined): Terminal {
  return {
    print: () => undefined,
    note: () => undefined,
    rewrite: undefined,
    widthColumns,
    isUtf8: true,
    style: (_, text) => text,
    confirm: undefined,
  };
}
