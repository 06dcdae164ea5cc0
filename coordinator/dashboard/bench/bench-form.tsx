/** What to bench: model, devices, load, and what is wanted. */
import { BENCH_METRICS, objectiveOffer } from '@edgetune/shared/domain/metric-list.ts';
import { SCENARIOS } from '@edgetune/shared/domain/scenario.ts';
import { benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { answerOf, sendJson } from '../api/client.ts';
import { ConstraintsField } from '../components/constraints-field.tsx';
import { DevicesField } from '../components/devices-field.tsx';
import { ErrorText } from '../components/dialog.tsx';
import { createDraft } from '../components/draft.ts';
import { ChoicesField, NumberField, NumbersField, TextField } from '../components/fields.tsx';
import { objectiveText } from '../components/list-entries.ts';
import { ScenarioFields } from '../components/scenario-fields.tsx';
import { useAction } from '../components/use-action.ts';
import { paths } from '../route.ts';
import { announce } from '../state/announce.ts';
import { devices } from '../state/overview.ts';
import { benchBody, chosenDevices } from './bench-body.ts';
import { type ChosenModel, ModelField } from './model-field.tsx';

const OBJECTIVES = BENCH_METRICS.map(objectiveOffer);

export function BenchForm() {
  const draft = useMemo(() => {
    const made = createDraft();
    made.setText('devices: []\nscenario: {kind: single-stream}\n');
    return made;
  }, []);
  const model = useSignal<ChosenModel | null>(null);
  const offered = (devices.value ?? []).filter(({ board }) => board !== null);
  const joined = offered.map(({ name }) => name);
  const { busy, error, run } = useAction(async () => {
    const chosen = model.value as ChosenModel;
    const body = benchBody(draft.fields() ?? {}, chosen, joined);
    const view = await answerOf(await sendJson('POST', '/api/bench', body), benchViewSchema);
    announce(`Bench of ${chosen.name} is ${view.state}`);
    location.hash = paths.bench(view.id);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  const fields = draft.fields() ?? {};
  const bound = { draft, fields };
  const isReady = model.value !== null && chosenDevices(fields, joined).length > 0;
  const choose = (chosen: ChosenModel | null) => {
    model.value = chosen;
    draft.set(['dimensions'], undefined);
    draft.set(['shapes'], undefined);
    draft.set(['precisions'], undefined);
  };
  return (
    <form class="card" aria-label="New bench" onSubmit={submit}>
      <div class="halves">
        <div>
          <ModelField model={model.value} onChange={choose} />
          {(model.value?.openDimensions ?? []).map((name) => (
            <NumberField
              key={name}
              {...bound}
              path={['dimensions', name]}
              label={`Size of “${name}”`}
              hint="The model leaves it open. “batch”, if it is the batch."
            />
          ))}
          {(model.value?.unnamedInputs ?? []).map((name) => (
            <TextField
              key={name}
              {...bound}
              path={['shapes', name]}
              label={`Shape of “${name}”`}
              placeholder="batch, 3, 224, 224"
              hint="The model leaves axes of it open, without a name. Write “batch” for the axis that is the batch."
            />
          ))}
          {offered.length === 0 ? (
            <p class="error">
              No device has joined: <a href={paths.fleet}>add one</a> first. A simulated one will do.
            </p>
          ) : (
            <DevicesField {...bound} devices={offered} />
          )}
        </div>
        <div>
          <ScenarioFields {...bound} scenarios={SCENARIOS} />
          <ChoicesField
            {...bound}
            path={['objectives']}
            label="Objectives"
            options={OBJECTIVES}
            textOf={objectiveText}
            hint="None: the lowest median latency. Of several the first leads: configs within a tenth of its best compete, and the best compromise wins."
          />
          <ConstraintsField {...bound} metrics={BENCH_METRICS} />
          <SearchFields {...bound} model={model.value} />
        </div>
      </div>
      <ErrorText text={error.value} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy.value || !isReady}>
          Start bench
        </button>
      </div>
    </form>
  );
}

type Bound = Pick<Parameters<typeof NumberField>[0], 'draft' | 'fields'>;

/** What is searched, and for how long. */
function SearchFields({ model, ...bound }: Bound & { model: ChosenModel | null }) {
  return (
    <details>
      <summary>Search</summary>
      <div class="columns">
        {model?.fixedBatch === null && (
          <NumbersField {...bound} path={['batchSizes']} label="Batch sizes" placeholder="1, 2, 4, 8, 16, 32" />
        )}
        {model?.precision === 'int8' && (
          <p class="quiet">Precision: int8, as the model is. It is quantised already, and is not quantised again.</p>
        )}
        {model !== null && model.precision !== 'int8' && (
          <ChoicesField
            {...bound}
            path={['precisions']}
            label="Precisions"
            otherwise={[model.precision]}
            options={[
              { value: model.precision, label: `${model.precision}, as the model is` },
              { value: 'int8', label: 'int8, calibrated on random inputs: shows its cost' },
            ]}
          />
        )}
        <NumbersField {...bound} path={['threads']} label="Threads" placeholder="1 to each device’s cores" />
        <NumberField
          {...bound}
          path={['maxSeconds']}
          label="Seconds per device at most"
          hint="Then the best so far is the answer."
        />
      </div>
    </details>
  );
}
