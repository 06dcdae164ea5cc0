/**
 * A study or a bench being written. Its YAML text is the only truth: the form's fields are read from it and change it in place,
 * so that form and text never disagree and comments survive.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { isMap, parseDocument } from 'yaml';

export interface Draft {
  text: ReadonlySignal<string>;
  setText(text: string): void;
  /** Null where the text is no YAML mapping now: the form waits until it is mended. */
  fields(): Record<string, unknown> | null;
  /** Sets a value at a path; `undefined` takes the key away, so that the default holds. */
  set(path: readonly string[], value: unknown): void;
}

export function createDraft(): Draft {
  const text = signal('');
  const parse = () => {
    const document = parseDocument(text.value);
    return document.errors.length === 0 && isMap(document.contents) ? document : null;
  };
  return {
    text,
    setText(next) {
      text.value = next;
    },
    fields: () => (parse()?.toJS() as Record<string, unknown> | undefined) ?? null,
    set(path, value) {
      const document = parse();
      if (!document) return;
      if (value === undefined) document.deleteIn(path);
      else document.setIn(path, document.createNode(value));
      text.value = document.toString({ lineWidth: 0 });
    },
  };
}

/** Value at a path of plain data, or undefined. */
export function valueAt(fields: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    fields,
  );
}
