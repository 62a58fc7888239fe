// Owns the step from hostile text to one YAML document in bounded time and memory.
// The only place that names the options of the YAML library; knows nothing of values or of the spec.

import { Composer, type Document, Lexer, LineCounter, Parser } from 'yaml';
import type { VfleetError } from '../base/errors.ts';
import { linesError, type Position } from './problem.ts';
import { printable } from './wording.ts';

/** A spec for 8 PFs with 256 VFs, every setting on every VF, has 400 KiB. */
const maxSpecBytes = 1 << 20;
/** A spec is 6 levels deep. The composer of the YAML library calls itself per level and would overrun the stack. */
export const maxDepth = 32;
/** The parser's stack holds at most two entries per level (a collection and what stands in it), and the document. */
const maxParserStack = 2 * maxDepth + 2;
/** Bounds time and memory: a second or two and some hundred megabytes for the worst file of {@link maxSpecBytes}. */
const maxLexemes = 400_000;
/** After an error in YAML the rest is guesswork: more lines than these help nobody. */
const maxSyntaxErrors = 10;

/** A document and the lines of the file it stands in. */
export class YamlDocument {
  readonly fileName: string;
  readonly contents: Document.Parsed['contents'];
  private readonly lines: LineCounter;

  constructor(fileName: string, contents: Document.Parsed['contents'], lines: LineCounter) {
    this.fileName = fileName;
    this.contents = contents;
    this.lines = lines;
  }

  /** Place of an offset in the text. */
  positionOf(offset: number): Position {
    return positionOf(this.lines, offset);
  }

  /** A `spec.syntax` error for the whole file. */
  fileError(what: string): VfleetError {
    return fileError(this.fileName, what);
  }

  /** A `spec.syntax` error for a line. */
  lineError(offset: number, what: string): VfleetError {
    return lineError(this.fileName, this.positionOf(offset), what);
  }
}

/** Reads a file that holds one YAML 1.2 document: core schema, no merge keys, no tags. Throws `spec.syntax`. */
export function parseYamlDocument(text: string, fileName: string): YamlDocument {
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > maxSpecBytes) {
    throw fileError(fileName, `has ${sizeBytes} bytes, more than the ${maxSpecBytes} that a spec may have`);
  }
  const lines = new LineCounter();
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    strict: true,
    // The library would compare each key with each other; yaml-source.ts finds doubles in one pass.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  });
  const composed: Document.Parsed[] = [];
  for (const token of boundedTokens(text, fileName, lines)) composed.push(...composer.next(token));
  composed.push(...composer.end(true, text.length));
  const document = composed[0];
  if (document === undefined) throw fileError(fileName, 'is not readable as YAML');
  const errors = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (errors.length > 0) {
    const wordings = errors.slice(0, maxSyntaxErrors).map((error) => {
      const { line } = positionOf(lines, error.pos[0]);
      return `line ${line}: ${syntaxWording(error.code, error.message)}`;
    });
    throw linesError('spec.syntax', fileName, wordings);
  }
  return new YamlDocument(fileName, document.contents, lines);
}

/** The parser's tokens, as long as they are one document of bounded depth and length. */
function* boundedTokens(text: string, fileName: string, lines: LineCounter) {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let lexemes = 0;
  let documents = 0;
  let errors = 0;
  for (const lexeme of withEnd(new Lexer().lex(text))) {
    const { offset } = parser;
    lexemes += 1;
    if (lexemes > maxLexemes) {
      throw lineError(fileName, positionOf(lines, offset), `more than ${maxLexemes} pieces of YAML so far`);
    }
    for (const token of lexeme === undefined ? parser.end() : parser.next(lexeme)) {
      if (token.type === 'document') documents += 1;
      if (documents > 1) {
        const what = 'a second document begins here, and a spec is one';
        throw lineError(fileName, positionOf(lines, token.offset), what);
      }
      if (token.type === 'error') errors += 1;
      yield token;
    }
    if (errors > maxSyntaxErrors) return;
    if (parser.stack.length > maxParserStack) {
      throw lineError(fileName, positionOf(lines, offset), `nests deeper than ${maxDepth} levels`);
    }
  }
}

function* withEnd(lexemes: Iterable<string>): Generator<string | undefined> {
  yield* lexemes;
  yield undefined;
}

function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function fileError(fileName: string, what: string): VfleetError {
  return linesError('spec.syntax', fileName, [`${printable(fileName)} ${what}`]);
}

function lineError(fileName: string, position: Position, what: string): VfleetError {
  return linesError('spec.syntax', fileName, [`line ${position.line}: ${what}`]);
}

function syntaxWording(code: string, message: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab indents this line; YAML takes spaces only';
    case 'NON_STRING_KEY':
      return 'a key is a list, a mapping or an alias; keys are plain words';
    case 'TAG_RESOLVE_FAILED':
      return `tags have no meaning in a spec: ${printable(message.slice(0, 80))}`;
    default:
      return `not readable as YAML: ${printable(message.slice(0, 120))}`;
  }
}
