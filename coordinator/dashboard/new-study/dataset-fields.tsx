/** Where the samples come from: a format, and the settings of it that a study must give. */
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';
import { type Draft, valueAt } from '../components/draft.ts';
import { BooleanField, LinesField, NumberField, NumbersField, TextField } from '../components/fields.tsx';

type Format = StudyPartsView['formats'][number];

interface DatasetFieldsProps {
  draft: Draft;
  fields: Record<string, unknown>;
  /** Those that the workload takes. */
  formats: readonly Format[];
}

export function DatasetFields({ draft, fields, formats }: DatasetFieldsProps) {
  const chosen = formats.find(({ name }) => name === valueAt(fields, ['dataset', 'format']));
  const choose = (name: string) => {
    const format = formats.find((each) => each.name === name);
    if (format) draft.set(['dataset'], sectionOf(format, fields));
  };
  return (
    <fieldset>
      <legend>Data</legend>
      <label class="field">
        Format
        <select value={chosen?.name ?? ''} onChange={(event) => choose(event.currentTarget.value)}>
          {formats.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <small>{chosen?.description}</small>
      </label>
      {chosen &&
        requiredOf(chosen).map((setting) => (
          <SettingField key={setting.name} draft={draft} fields={fields} setting={setting} />
        ))}
    </fieldset>
  );
}

function SettingField({
  setting: { name, description, type, itemType },
  ...bound
}: Pick<DatasetFieldsProps, 'draft' | 'fields'> & { setting: Format['settings'][number] }) {
  const shown = { ...bound, path: ['dataset', name], label: name, hint: description };
  if (type === 'string') return <TextField {...shown} />;
  if (type === 'integer' || type === 'number') return <NumberField {...shown} isWhole={type === 'integer'} />;
  if (type === 'boolean') return <BooleanField {...shown} />;
  if (type === 'array' && (itemType === 'integer' || itemType === 'number'))
    return <NumbersField {...shown} hint={`${description}; separated by commas`} />;
  if (type === 'array' && itemType === 'string') return <LinesField {...shown} hint={`${description}; one a line`} />;
  return (
    <p>
      <code>{name}</code> ({description}) is written in the YAML.
    </p>
  );
}

const requiredOf = ({ settings }: Format) => settings.filter(({ required }) => required);

/** Each format has settings of its own: others would be refused. What the former one had by the same name is kept. */
function sectionOf(format: Format, fields: Record<string, unknown>): Record<string, unknown> {
  const settings = requiredOf(format).map(({ name, type, example }) => [
    name,
    // A box that is not checked says false.
    valueAt(fields, ['dataset', name]) ?? example ?? (type === 'boolean' ? false : undefined),
  ]);
  return { format: format.name, ...Object.fromEntries(settings) };
}
