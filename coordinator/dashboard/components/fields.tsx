/** Form fields bound to a path of the draft. */
import { type Draft, valueAt } from './draft.ts';

export interface FieldProps {
  draft: Draft;
  fields: Record<string, unknown>;
  path: readonly string[];
  label: string;
  hint?: string;
}

export function TextField({ draft, fields, path, label, hint }: FieldProps) {
  const value = valueAt(fields, path);
  return (
    <label class="field">
      {label}
      <input
        value={value === undefined ? '' : String(value)}
        autocomplete="off"
        onChange={(event) => draft.set(path, event.currentTarget.value.trim() || undefined)}
      />
      {hint && <small>{hint}</small>}
    </label>
  );
}

export function NumberField(
  props: FieldProps & { otherwise?: number; min?: number; max?: number; step?: number | 'any' },
) {
  const { draft, fields, path, label, hint, otherwise, min, max, step = 1 } = props;
  const value = valueAt(fields, path);
  const change = (event: { currentTarget: HTMLInputElement }) => {
    const number = event.currentTarget.valueAsNumber;
    draft.set(path, Number.isNaN(number) ? undefined : number);
  };
  return (
    <label class="field">
      {label}
      <input
        type="number"
        value={typeof value === 'number' ? value : ''}
        placeholder={otherwise === undefined ? undefined : String(otherwise)}
        min={min}
        max={max}
        step={step}
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

/** A list of texts, one a line. */
export function LinesField({ draft, fields, path, label, hint }: FieldProps) {
  const value = valueAt(fields, path);
  const change = (event: { currentTarget: HTMLTextAreaElement }) => {
    const lines = event.currentTarget.value.split('\n').map((line) => line.trim());
    const filled = lines.filter((line) => line !== '');
    draft.set(path, filled.length > 0 ? filled : undefined);
  };
  return (
    <label class="field">
      {label}
      <textarea rows={3} value={Array.isArray(value) ? value.join('\n') : ''} spellcheck={false} onChange={change} />
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

/** A list of texts chosen from what is offered; what else stands in the list stays in it. */
export function ChoicesField(props: FieldProps & { options: readonly Choice[] }) {
  const { draft, fields, path, label, hint, options } = props;
  const value = valueAt(fields, path);
  const chosen = Array.isArray(value) ? value.map(String) : [];
  const toggle = (option: string, on: boolean) =>
    draft.set(path, on ? [...chosen, option] : chosen.filter((other) => other !== option));
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
