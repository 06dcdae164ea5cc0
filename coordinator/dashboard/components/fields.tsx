/** Form fields bound to a path of the draft. */
import { type Draft, valueAt } from './draft.ts';
import { type EntryText, entriesOf, fromLines, plainText, withChoice } from './list-entries.ts';

export interface FieldProps {
  draft: Draft;
  fields: Record<string, unknown>;
  path: readonly string[];
  label: string;
  hint?: string;
}

export function TextField({ draft, fields, path, label, hint, placeholder }: FieldProps & { placeholder?: string }) {
  const value = valueAt(fields, path);
  return (
    <label class="field">
      {label}
      <input
        value={value === undefined ? '' : String(value)}
        autocomplete="off"
        placeholder={placeholder}
        onChange={(event) => draft.set(path, event.currentTarget.value.trim() || undefined)}
      />
      {hint && <small>{hint}</small>}
    </label>
  );
}

interface NumberFieldProps extends FieldProps {
  /** What holds where nothing is written. */
  otherwise?: number;
  isWhole?: boolean;
  /** What is written where the field is emptied; absent: nothing, so that the default holds. */
  emptied?: null;
}

/** A number; what is none stays as it was written, and is refused by the schema: a number field would hide it. */
export function NumberField(props: NumberFieldProps) {
  const { draft, fields, path, label, hint, otherwise, isWhole = true, emptied } = props;
  const value = valueAt(fields, path);
  const change = (event: { currentTarget: HTMLInputElement }) => {
    const text = event.currentTarget.value.trim();
    if (text === '') draft.set(path, emptied);
    else draft.set(path, Number.isNaN(Number(text)) ? text : Number(text));
  };
  return (
    <label class="field">
      {label}
      <input
        inputMode={isWhole ? 'numeric' : 'decimal'}
        value={value === undefined || value === null ? '' : plainText(value)}
        placeholder={otherwise === undefined ? undefined : String(otherwise)}
        autocomplete="off"
        onChange={change}
      />
      {hint && <small>{hint}</small>}
    </label>
  );
}

/** A list of numbers, separated by commas; what is no number stays as it was written, and is refused by the schema. */
export function NumbersField({ draft, fields, path, label, hint, placeholder }: FieldProps & { placeholder?: string }) {
  const value = valueAt(fields, path);
  const change = (event: { currentTarget: HTMLInputElement }) => {
    const parts = event.currentTarget.value.split(',').map((part) => part.trim());
    const numbers = parts
      .filter((part) => part !== '')
      .map((part) => (Number.isNaN(Number(part)) ? part : Number(part)));
    draft.set(path, numbers.length > 0 ? numbers : undefined);
  };
  return (
    <label class="field">
      {label}
      <input value={Array.isArray(value) ? value.join(', ') : ''} placeholder={placeholder} onChange={change} />
      {hint && <small>{hint}</small>}
    </label>
  );
}

export function SelectField(props: FieldProps & { options: readonly string[]; otherwise: string }) {
  const { draft, fields, path, label, hint, options, otherwise } = props;
  return (
    <label class="field">
      {label}
      <select
        value={String(valueAt(fields, path) ?? otherwise)}
        onChange={(event) => draft.set(path, event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
      {hint && <small>{hint}</small>}
    </label>
  );
}

/** A list of texts, one a line. @param textOf how an entry that is no text is written in its line */
export function LinesField(props: FieldProps & { textOf?: EntryText }) {
  const { draft, fields, path, label, hint, textOf = plainText } = props;
  const entries = entriesOf(valueAt(fields, path));
  const change = (event: { currentTarget: HTMLTextAreaElement }) => {
    const next = fromLines(event.currentTarget.value.split('\n'), entries, textOf);
    draft.set(path, next.length > 0 ? next : undefined);
  };
  return (
    <label class="field">
      {label}
      <textarea rows={3} value={entries.map(textOf).join('\n')} spellcheck={false} onChange={change} />
      {hint && <small>{hint}</small>}
    </label>
  );
}

/** A value that is true or false; what is neither shows as false. */
export function BooleanField({ draft, fields, path, label, hint }: FieldProps) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={valueAt(fields, path) === true}
        onChange={(event) => draft.set(path, event.currentTarget.checked)}
      />
      <span>
        {label} {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

interface Choice {
  value: string;
  label: string;
  /** False: it is offered on demand. */
  isCommon?: boolean;
}

interface ChoicesFieldProps extends FieldProps {
  options: readonly Choice[];
  /** What is chosen where nothing is written. */
  otherwise?: readonly string[];
  /** Which option an entry is, however it is written. */
  textOf?: EntryText;
}

/** A list of texts chosen from what is offered; what else stands in the list stays in it, as it is written. */
export function ChoicesField(props: ChoicesFieldProps) {
  const { draft, fields, path, label, hint, options, otherwise = [], textOf = plainText } = props;
  const value = valueAt(fields, path);
  const entries = value === undefined ? otherwise : entriesOf(value);
  const chosen = entries.map(textOf);
  const toggle = (option: string, on: boolean) => draft.set(path, withChoice(entries, option, on, textOf));
  const boxes = (offered: readonly Choice[]) =>
    offered.map((option) => (
      <label key={option.value} class="choice">
        <input
          type="checkbox"
          checked={chosen.includes(option.value)}
          onChange={(event) => toggle(option.value, event.currentTarget.checked)}
        />
        <span>{option.label}</span>
      </label>
    ));
  const more = options.filter(({ isCommon }) => isCommon === false);
  return (
    <fieldset>
      <legend>{label}</legend>
      {boxes(options.filter(({ isCommon }) => isCommon !== false))}
      {more.length > 0 && (
        <details>
          <summary>{`More: ${more.filter((option) => chosen.includes(option.value)).length} of ${more.length} chosen`}</summary>
          {boxes(more)}
        </details>
      )}
      {hint && <small>{hint}</small>}
    </fieldset>
  );
}
