/** The form for what most studies set; everything else is written in the YAML beside it. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';
import { DevicesField } from '../components/devices-field.tsx';
import { type Draft, valueAt } from '../components/draft.ts';
import { ChoicesField, LinesField, NumberField, SelectField, TextField } from '../components/fields.tsx';
import { paths } from '../route.ts';

const DATASET_FORMATS = ['synthetic-images', 'idx', 'cifar10-binary', 'csv-images', 'speech-commands', 'ag-news-csv'];
/** Of scikit-learn's digits.csv, to start from. */
const DIGITS_LAYOUT = { width: 8, height: 8, maxValue: 16 };
const SCENARIOS = ['single-stream', 'multi-stream', 'server', 'offline'];
const OBJECTIVES = [
  { value: 'maximize accuracy', label: 'Best accuracy' },
  { value: 'minimize latency.p50', label: 'Lowest median latency' },
  { value: 'minimize latency.p99', label: 'Lowest latency of the slowest 1 % (p99)' },
  { value: 'maximize throughput', label: 'Highest throughput' },
  { value: 'minimize energy', label: 'Lowest energy per inference' },
  { value: 'minimize memory', label: 'Lowest memory' },
  { value: 'minimize edgetune.time', label: 'Lowest training time × latency ÷ accuracy' },
  { value: 'minimize edgetune.energy', label: 'Lowest training energy × energy per inference ÷ accuracy' },
];

interface StudyFormProps {
  draft: Draft;
  fields: Record<string, unknown>;
  devices: readonly DeviceView[];
  /** What a study may name. */
  parts: StudyPartsView;
}

export function StudyForm({ draft, fields, devices, parts }: StudyFormProps) {
  const bound = { draft, fields };
  const synthetic = valueAt(fields, ['dataset', 'format']) === 'synthetic-images';
  return (
    <>
      <TextField {...bound} path={['name']} label="Name" />
      {devices.length === 0 ? (
        <p class="error">
          The fleet is empty: <a href={paths.fleet}>add a device</a> first. A simulated one will do.
        </p>
      ) : (
        <DevicesField {...bound} devices={devices} />
      )}
      <fieldset>
        <legend>Data</legend>
        <label class="field">
          Format
          <select
            value={String(valueAt(fields, ['dataset', 'format']) ?? '')}
            onChange={(event) => changeFormat(draft, fields, event.currentTarget.value)}
          >
            {DATASET_FORMATS.map((format) => (
              <option key={format}>{format}</option>
            ))}
          </select>
          {synthetic && <small>Drawn by EdgeTune itself: good for a try, the results are marked as synthetic.</small>}
        </label>
        {!synthetic && (
          <TextField
            {...bound}
            path={['dataset', 'path']}
            label="Path"
            hint="Folder or file on the coordinator’s machine"
          />
        )}
      </fieldset>
      <ChoicesField {...bound} path={['objectives']} label="Objectives" options={OBJECTIVES} />
      <LinesField
        {...bound}
        path={['constraints']}
        label="Constraints"
        hint="One a line, such as “latency.p99 <= 30 ms on kitchen-pi”, “memory <= 64 MB” or “energy <= 5 mJ”"
      />
      <SelectField
        {...bound}
        path={['scenario', 'kind']}
        label="Load scenario"
        options={SCENARIOS}
        otherwise="single-stream"
      />
      {valueAt(fields, ['scenario', 'kind']) === 'server' && (
        <NumberField
          {...bound}
          path={['scenario', 'arrivalsPerS']}
          label="Queries per second"
          otherwise={10}
          min={0}
          step={0.1}
        />
      )}
      <div class="columns">
        <NumberField {...bound} path={['stop', 'trials']} label="Trials at most" otherwise={20} min={1} />
        <NumberField {...bound} path={['budget', 'maxEpochs']} label="Epochs at most" otherwise={9} min={1} />
        <NumberField {...bound} path={['recommend']} label="Models to recommend" otherwise={3} min={1} max={20} />
      </div>
      <details>
        <summary>Tuner</summary>
        <div class="columns">
          <SelectField
            {...bound}
            path={['tuner', 'mode']}
            label="Mode"
            options={tunerSettingsSchema.shape.mode.unwrap().options}
            otherwise="onefold"
          />
          <SelectField
            {...bound}
            path={['tuner', 'sampler']}
            label="Sampler"
            options={parts.samplers.map(({ name }) => name)}
            otherwise="auto"
          />
          <SelectField
            {...bound}
            path={['tuner', 'scheduler']}
            label="Scheduler"
            options={parts.schedulers.map(({ name }) => name)}
            otherwise="auto"
          />
          <NumberField {...bound} path={['tuner', 'seed']} label="Seed" otherwise={1} min={0} />
        </div>
      </details>
    </>
  );
}

/** Each format has settings of its own: those of the former one would be refused. The path is kept. */
function changeFormat(draft: Draft, fields: Record<string, unknown>, format: string): void {
  const path = valueAt(fields, ['dataset', 'path']) ?? '';
  if (format === 'synthetic-images') draft.set(['dataset'], { format });
  else draft.set(['dataset'], { format, path, ...(format === 'csv-images' ? DIGITS_LAYOUT : {}) });
}
