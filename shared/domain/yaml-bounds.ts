/**
 * What of a text in YAML (or JSON) cannot be read within a bounded time and memory, told before it is read: values that
 * are nested so deeply, or so many, that reading them would keep everybody else waiting.
 */
import { type Document, isAlias, Lexer, visit } from 'yaml';

const MOST_NESTED = 50;
const MOST_VALUES = 5000;
const MOST_CHARACTERS = 1024 * 1024;

/** A mistake at a place of the text. */
export interface YamlExcess {
  message: string;
  line: number;
  column: number;
}

/** Null: it may be read. */
export function yamlExcess(text: string): YamlExcess | null {
  if (text.length > MOST_CHARACTERS)
    return {
      message: `the text has ${text.length} characters: ${MOST_CHARACTERS} at most are read`,
      line: 1,
      column: 1,
    };
  const place = new Place();
  let values = 0;
  for (const token of new Lexer().lex(text)) {
    if (isValue(token) && ++values > MOST_VALUES)
      return place.excess(`there are more than ${MOST_VALUES} values and keys from here on: name fewer, or a range`);
    place.pass(token);
    if (place.depth > MOST_NESTED)
      return place.excess(`this is nested more than ${MOST_NESTED} levels deep: write it flatter`);
  }
  return null;
}

/** The control characters that the lexer puts before a plain text, and around documents. */
const [SCALAR, DOCUMENT, FLOW_END] = ['\u001f', '\u0002', '\u0018'];

const isValue = (token: string) => token === SCALAR || '"\'*[{'.includes(token[0] ?? ' ');

/** Where in the text a token stands, and how deep. */
class Place {
  #line = 1;
  #column = 1;
  /** True where nothing but indentation and "-", "?" stands before in this line. */
  #isIndentation = true;
  #flow = 0;
  /** Columns at which what is around this begins. */
  readonly #indents: number[] = [];

  get depth(): number {
    return this.#flow + this.#indents.length;
  }

  excess(message: string): YamlExcess {
    return { message, line: this.#line, column: this.#column };
  }

  pass(token: string) {
    if (token === SCALAR || token === DOCUMENT || token === FLOW_END) return;
    if (token === '[' || token === '{') this.#flow++;
    else if (token === ']' || token === '}') this.#flow = Math.max(0, this.#flow - 1);
    else if (this.#flow === 0 && this.#isIndentation && token.trim() !== '' && token[0] !== '#') this.#indent(token);
    const lastBreak = token.lastIndexOf('\n');
    if (lastBreak < 0) this.#column += token.length;
    else {
      for (let at = token.indexOf('\n'); at >= 0; at = token.indexOf('\n', at + 1)) this.#line++;
      this.#column = token.length - lastBreak;
      this.#isIndentation = true;
    }
  }

  #indent(token: string) {
    while ((this.#indents.at(-1) ?? 0) >= this.#column) this.#indents.pop();
    this.#indents.push(this.#column);
    if (token !== '-' && token !== '?') this.#isIndentation = false;
  }
}

/** Aliases of what they stand in would go on for ever. */
export function endlessAliases(document: Document): { message: string; position: number }[] {
  const endless: { message: string; position: number }[] = [];
  visit(document, {
    Alias(_, alias, around) {
      const meant = alias.resolve(document);
      if (meant !== undefined && around.some((node) => node === meant && !isAlias(node)))
        endless.push({
          message: `*${alias.source} stands within what it repeats: it would never end`,
          position: alias.range?.[0] ?? 0,
        });
    },
  });
  return endless;
}
