/** The form for what most studies set; everything else is written in the YAML beside it. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { objectiveOffer } from '@edgetune/shared/domain/metric-list.ts';
import { studySpecSchema, tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';
import { ConstraintsField } from '../components/constraints-field.tsx';
import { DevicesField } from '../components/devices-field.tsx';
import { type Draft, valueAt } from '../components/draft.ts';
import { ChoicesField, NumberField, SelectField, TextField } from '../components/fields.tsx';
import { objectiveText } from '../components/list-entries.ts';
import { ScenarioFields } from '../components/scenario-fields.tsx';
import { paths } from '../route.ts';
import { DatasetFields } from './dataset-fields.tsx';
import { FromField } from './from-field.tsx';

/** What holds where a study says nothing. */
const { stop, budget, tuner, recommend, objectives } = studySpecSchema.shape;
const DEFAULTS = {
  stop: stop.parse(undefined),
  budget: budget.parse(undefined),
  tuner: tuner.parse(undefined),
  recommend: recommend.parse(undefined),
  objectives: objectives.parse(undefined).map(objectiveText),
};

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
      <FromField {...bound} />
      <ChoicesField
        {...bound}
        path={['objectives']}
        label="Objectives"
        options={parts.metrics.filter(({ isOfClass }) => !isOfClass).map(objectiveOffer)}
        otherwise={DEFAULTS.objectives}
        textOf={objectiveText}
      />
      <ConstraintsField {...bound} metrics={parts.metrics} />
      <ScenarioFields {...bound} scenarios={parts.scenarios} />
      <div class="columns">
        <NumberField {...bound} path={['stop', 'trials']} label="Trials at most" otherwise={DEFAULTS.stop.trials} />
        <NumberField
          {...bound}
          path={['budget', 'maxEpochs']}
          label="Epochs at most"
          otherwise={DEFAULTS.budget.maxEpochs}
        />
        <NumberField {...bound} path={['recommend']} label="Models to recommend" otherwise={DEFAULTS.recommend} />
      </div>
      {workload && <SpaceHelp parameters={workload.parameters} />}
      <details>
        <summary>Tuner</summary>
        <div class="columns">
          <SelectField
            {...bound}
            path={['tuner', 'mode']}
            label="Mode"
            options={tunerSettingsSchema.shape.mode.unwrap().options}
            otherwise={DEFAULTS.tuner.mode}
          />
          <SelectField
            {...bound}
            path={['tuner', 'sampler']}
            label="Sampler"
            options={parts.samplers.map(({ name }) => name)}
            otherwise={DEFAULTS.tuner.sampler}
          />
          <SelectField
            {...bound}
            path={['tuner', 'scheduler']}
            label="Scheduler"
            options={parts.schedulers.map(({ name }) => name)}
            otherwise={DEFAULTS.tuner.scheduler}
          />
          <NumberField {...bound} path={['tuner', 'seed']} label="Seed" otherwise={DEFAULTS.tuner.seed} />
        </div>
      </details>
    </>
  );
}

/** What may stand in `space:`, which is written as YAML. */
function SpaceHelp({ parameters }: Pick<StudyPartsView['workloads'][number], 'parameters'>) {
  const levels = [...new Set(parameters.map(({ level }) => level))];
  return (
    <details>
      <summary>What space: may hold</summary>
      <ul>
        {levels.map((level) => (
          <li key={level}>
            {level}:{' '}
            {parameters
              .filter((parameter) => parameter.level === level)
              .map(({ name, text }) => `${name} (${text})`)
              .join('; ')}
          </li>
        ))}
      </ul>
    </details>
  );
}
