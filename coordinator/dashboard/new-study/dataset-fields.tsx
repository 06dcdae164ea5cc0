/** Where the samples come from: a format, and the settings of it that a study must give. */
import { AUTO_FORMAT } from '@edgetune/shared/domain/study.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';
import { type Draft, valueAt } from '../components/draft.ts';
import { BooleanField, LinesField, NumberField, NumbersField, TextField } from '../components/fields.tsx';
import { DatasetCheck } from './dataset-check.tsx';

type Format = StudyPartsView['formats'][number];

interface DatasetFieldsProps {
  draft: Draft;
  fields: Record<string, unknown>;
  /** Those that the workload takes. */
  formats: readonly Format[];
}

export function DatasetFields({ draft, fields, formats }: DatasetFieldsProps) {
  const named = valueAt(fields, ['dataset', 'format']);
  const chosen = formats.find(({ name }) => name === named);
  const isFound = named === undefined || named === AUTO_FORMAT;
  const choose = (name: string) => {
    const format = formats.find((each) => each.name === name);
    draft.set(['dataset'], format ? sectionOf(format, fields) : { path: valueAt(fields, ['dataset', 'path']) ?? '' });
  };
  return (
    <fieldset>
      <legend>Data</legend>
      <label class="field">
        Format
        <select
          value={isFound ? AUTO_FORMAT : (chosen?.name ?? '')}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          <option value={AUTO_FORMAT}>found out</option>
          {formats.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <small>{isFound ? 'by looking at the data; the check below says which it is' : chosen?.description}</small>
      </label>
      {isFound && <SettingField draft={draft} fields={fields} setting={PATH} />}
      {chosen &&
        requiredOf(chosen).map((setting) => (
          <SettingField key={setting.name} draft={draft} fields={fields} setting={setting} />
        ))}
      <DatasetCheck fields={fields} />
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

/** What a study says of data whose format is found out. */
const PATH: Format['settings'][number] = {
  name: 'path',
  description: "a folder, a file or a ZIP archive on the coordinator's machine",
  type: 'string',
  required: true,
};

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
