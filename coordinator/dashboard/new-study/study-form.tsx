/** The form for what most studies set; everything else is written in the YAML beside it. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { objectiveOffer } from '@edgetune/shared/domain/metric-list.ts';
import { tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';
import { DevicesField } from '../components/devices-field.tsx';
import { type Draft, valueAt } from '../components/draft.ts';
import { ChoicesField, LinesField, NumberField, SelectField, TextField } from '../components/fields.tsx';
import { paths } from '../route.ts';
import { DatasetFields } from './dataset-fields.tsx';

interface StudyFormProps {
  draft: Draft;
  fields: Record<string, unknown>;
  devices: readonly DeviceView[];
  /** What a study may name. */
  parts: StudyPartsView;
}

export function StudyForm({ draft, fields, devices, parts }: StudyFormProps) {
  const bound = { draft, fields };
  const workload = parts.workloads.find(({ name }) => name === valueAt(fields, ['workload']));
  const formats = parts.formats.filter(({ name }) => workload?.formats.includes(name) ?? true);
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
      <DatasetFields {...bound} formats={formats} />
      <ChoicesField {...bound} path={['objectives']} label="Objectives" options={parts.metrics.map(objectiveOffer)} />
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
        options={parts.scenarios.map(({ name }) => name)}
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
