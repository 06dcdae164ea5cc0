/**
 * A study or a bench being written. Its YAML text is the only truth: the form's fields are read from it and change it in place,
 * so that form and text never disagree and comments survive.
 */
import { yamlExcess } from '@edgetune/shared/domain/yaml-bounds.ts';
import { type ReadonlySignal, signal } from '@preact/signals';
import { type Document, isAlias, isMap, parseDocument } from 'yaml';

export interface Draft {
  text: ReadonlySignal<string>;
  setText(text: string): void;
  /** Null where the text is no YAML mapping now, or refers to what is not there: the form waits until it is mended. */
  fields(): Record<string, unknown> | null;
  /** Sets a value at a path; `undefined` takes the key away, so that the default holds. */
  set(path: readonly string[], value: unknown): void;
}

export function createDraft(): Draft {
  const text = signal('');
  const parse = () => {
    // What would keep the page busy is refused by the coordinator, with its line.
    if (yamlExcess(text.value)) return null;
    const document = parseDocument(text.value);
    if (document.errors.length > 0 || !isMap(document.contents)) return null;
    try {
      return { document, fields: document.toJS() as Record<string, unknown> };
    } catch {
      // An alias without its anchor, such as `*.csv` that was meant as a text: the coordinator says where.
      return null;
    }
  };
  return {
    text,
    setText(next) {
      text.value = next;
    },
    fields: () => parse()?.fields ?? null,
    set(path, value) {
      const parsed = parse();
      if (!parsed) return;
      const { document, fields } = parsed;
      if (value === undefined && valueAt(fields, path) === undefined) return;
      makeParents(document, path);
      if (value === undefined) document.deleteIn(path);
      else document.setIn(path, document.createNode(value));
      text.value = document.toString({ lineWidth: 0 });
    },
  };
}

/** A key without a value (`stop:`) holds nothing yet, and an alias what it refers to: what is set below belongs to it alone. */
function makeParents(document: Document, path: readonly string[]): void {
  for (let length = 1; length < path.length; length++) {
    const parent = path.slice(0, length);
    const node = document.getIn(parent, true);
    if (isMap(node)) continue;
    document.setIn(parent, document.createNode(isAlias(node) ? node.toJS(document) : {}));
  }
}

/** Value at a path of plain data, or undefined. */
export function valueAt(fields: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    fields,
  );
}
