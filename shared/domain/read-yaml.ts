/**
 * The one reader of what people write in YAML (JSON is YAML, too): studies, tuners, profiles, settings. It is bounded,
 * and says what it cannot read in words of its own, with line, column and the text of the line.
 */
import { type Document, isAlias, isNode, Lexer, LineCounter, parseDocument, Scalar, visit, type YAMLError } from 'yaml';
import { endlessAliases, yamlExcess } from './yaml-bounds.ts';

/** A mistake in a text. */
export interface TextMistake {
  /** Keys joined by dots; empty: the text itself. */
  path: string;
  message: string;
  /** Both from 1; null where it has no place. */
  line: number | null;
  column: number | null;
}

/** A mistake at a place of what was read. */
export interface PlacedMistake {
  path: readonly PropertyKey[];
  message: string;
}

export interface ReadYaml {
  /** Undefined where the text cannot be read; null where it is empty. */
  values: unknown;
  /** In their order in the text. */
  mistakes: TextMistake[];
  /** The same of a mistake in its values: where the deepest part of its path that there is begins. */
  locate(mistake: PlacedMistake): TextMistake;
}

export interface YamlOptions {
  /** Whether mistakes show the text of their line; false for texts that hold secrets. */
  showsLines?: boolean;
}

/** Where a key stands twice, or an alias stands for nothing, the rest is read all the same. */
export function readYaml(text: string, { showsLines = true }: YamlOptions = {}): ReadYaml {
  const excess = yamlExcess(text);
  if (excess) return { values: undefined, mistakes: [{ path: '', ...excess }], locate: nowhere };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (position: number | undefined) => placeOf(lines, position);
  const locate = ({ path, message }: PlacedMistake) => ({
    path: path.map(String).join('.'),
    message,
    ...at(positionOf(document, path)),
  });
  const shown = (position: number) => (showsLines ? lineText(text, position) : '');
  const broken = [...document.errors, ...document.warnings].map((error) => {
    const position = startOf(error, text);
    return { path: '', message: `${wordsOf(error)}${shown(position)}`, ...at(position) };
  });
  // Only a key that stands there twice leaves no doubt about what is meant by the others.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY'))
    return { values: undefined, mistakes: inOrder(broken), locate };
  const unanchored = withoutAnchor(document).map(({ message, position }) => ({ path: '', message, ...at(position) }));
  const endless = endlessAliases(document).map(({ message, position }) => ({ path: '', message, ...at(position) }));
  const mistakes = inOrder([...broken, ...unanchored, ...endless]);
  if (endless.length > 0) return { values: undefined, mistakes, locate };
  try {
    return { values: document.toJS() ?? null, mistakes, locate };
  } catch {
    const message = 'aliases of aliases make more of this text than can be read: write out what is meant';
    return { values: undefined, mistakes: [...mistakes, { path: '', message, ...at(undefined) }], locate };
  }
}

const nowhere = ({ path, message }: PlacedMistake) => ({
  path: path.map(String).join('.'),
  message,
  line: null,
  column: null,
});

/** Mistakes by their lines; those without one first. */
export function inOrder<T extends Pick<TextMistake, 'line' | 'column'>>(mistakes: T[]): T[] {
  return mistakes.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** A line for each: "line 3, column 5: stop.trials: must be …". */
export function mistakeText({ path, message, line, column }: TextMistake): string {
  const place = line === null ? '' : `line ${line}, column ${column}: `;
  return `${place}${path === '' ? '' : `${path}: `}${message}`;
}

/** So much of a line is shown. */
const MOST_SHOWN = 80;

function lineText(text: string, position: number): string {
  const start = text.lastIndexOf('\n', position - 1) + 1;
  const end = text.indexOf('\n', position);
  const line = text.slice(start, end < 0 ? undefined : end).trim();
  if (line === '') return '';
  return `, in: ${line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)} …` : line}`;
}

const INDENT = 'what belongs together must begin in the same column';
/** The library's own words are for programmers. */
const WORDS: Readonly<Record<Exclude<YAMLError['code'], 'MISSING_CHAR'>, string>> = {
  ALIAS_PROPS: 'an alias (*name) can have no tag and no anchor of its own',
  BAD_ALIAS:
    'an anchor (&name) or alias (*name) needs a name that does not end with ":"; a text that begins so needs quotes',
  BAD_COLLECTION_TYPE: 'this tag does not fit what it stands before: leave it out',
  BAD_DIRECTIVE: 'a line that begins with % means something else in YAML: put the text in quotes',
  BAD_DQ_ESCAPE:
    'in "double quotes" a backslash begins something that is not known: write \\\\, or use \'single quotes\'',
  BAD_INDENT: `the indentation is wrong: ${INDENT}`,
  BAD_PROP_ORDER: 'a tag or an anchor must stand behind the "-", "?" or ":"',
  BAD_SCALAR_START: 'a text cannot begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key is followed by another key, or by a list, in the same line: begin a new line, indented, or put the text in quotes',
  BLOCK_IN_FLOW: 'within [ ] or { } entries are separated by commas, not by lines and "-"',
  DUPLICATE_KEY: 'this key stands here twice: leave out one of the two',
  IMPOSSIBLE: 'this is no YAML',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters: a quote or a ":" may be missing',
  MULTILINE_IMPLICIT_KEY: `a key must stand in one line with its ":": one is missing, or the indentation is wrong (${INDENT})`,
  MULTIPLE_ANCHORS: 'this has two anchors (&name): leave out one',
  MULTIPLE_DOCS: 'a second document begins here ("---"): one is read',
  MULTIPLE_TAGS: 'this has two tags (!name): leave out one',
  NON_STRING_KEY: 'a key must be a text',
  RESOURCE_EXHAUSTION: 'there is more in this text than can be read: write less, or flatter',
  TAB_AS_INDENT: 'a tab indents this line: use spaces',
  TAG_RESOLVE_FAILED: 'a tag (!name) that is not known stands here: leave it out, or put the text in quotes',
  UNEXPECTED_TOKEN: 'this does not belong here: a bracket, a quote or a comma may be missing before it, or be too many',
};

/** Where a code stands for several mistakes: by what the library says of it. */
const FINER: readonly (readonly [RegExp, string])[] = [
  [/closing "/, 'a closing " is missing'],
  [/closing '/, "a closing ' is missing"],
  [
    /end with a [\]}]/,
    'a bracket that was opened before this line is not closed: a "]" or "}" is missing, or lines are not indented',
  ],
  [/map values/, 'a key stands here without its ":", or a text is not indented'],
  [/Missing ,/, 'a comma is missing between two entries'],
  [/space after :/, 'a space is missing behind a ":"'],
  [/Comments/, 'a space is missing before a "#"'],
  [/without -/, 'an entry of a list must begin with "- ", as those before it'],
  [/Tags and anchors/, 'a space is missing behind a tag or an anchor; a text that begins with "!" or "&" needs quotes'],
];

function wordsOf({ code, message }: YAMLError): string {
  const finer = FINER.find(([said]) => said.test(message))?.[1];
  return finer ?? (code === 'MISSING_CHAR' ? WORDS.IMPOSSIBLE : WORDS[code]);
}

/** Where a person looks for it: a quote that is not closed is missing where it was opened, not at the end of the text. */
function startOf({ pos: [position], message }: YAMLError, text: string): number {
  const quote = /closing (["'])/.exec(message)?.[1];
  if (quote === undefined) return position;
  let at = 0;
  for (const token of new Lexer().lex(text)) {
    if (CONTROL.has(token)) continue;
    if (token[0] === quote && at + token.length >= position) return at;
    at += token.length;
  }
  return position;
}

/** Tokens that stand for no character of the text: around documents, before a plain text. */
const CONTROL = new Set(['\u0002', '\u0018', '\u001f']);

/** An alias of nothing, such as `*.csv`, is read as that text, and said. */
function withoutAnchor(document: Document): { message: string; position: number | undefined }[] {
  const anchors = new Set<string>();
  const mistakes: { message: string; position: number | undefined }[] = [];
  visit(document, {
    Node(_, node) {
      if (!isAlias(node) && 'anchor' in node && node.anchor) anchors.add(node.anchor);
    },
    Alias(_, { source, range }) {
      if (anchors.has(source)) return;
      const message = `*${source} refers to an anchor &${source} that is not there: write "*${source}" where it is a text`;
      mistakes.push({ message, position: range?.[0] });
      const text = new Scalar(`*${source}`);
      if (range) text.range = range;
      return text;
    },
  });
  return mistakes;
}

function placeOf(lines: LineCounter, position: number | undefined): Pick<TextMistake, 'line' | 'column'> {
  if (position === undefined) return { line: null, column: null };
  const { line, col } = lines.linePos(position);
  return { line, column: col };
}

/** Where the deepest node of the path begins that the document has (a missing key: its parent). */
function positionOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}
