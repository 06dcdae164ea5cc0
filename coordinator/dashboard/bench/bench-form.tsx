/** What to bench: model, devices, load, and what is wanted. */
import { BENCH_METRICS, objectiveOffer } from '@edgetune/shared/domain/metric-list.ts';
import { SCENARIO_KINDS } from '@edgetune/shared/domain/scenario.ts';
import { type BenchRequestBody, benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { answerOf, sendJson } from '../api/client.ts';
import { DevicesField } from '../components/devices-field.tsx';
import { ErrorText } from '../components/dialog.tsx';
import { createDraft, valueAt } from '../components/draft.ts';
import { ChoicesField, LinesField, NumberField, NumbersField, SelectField } from '../components/fields.tsx';
import { useAction } from '../components/use-action.ts';
import { paths } from '../route.ts';
import { announce } from '../state/announce.ts';
import { devices } from '../state/overview.ts';
import { type ChosenModel, ModelField } from './model-field.tsx';

const OBJECTIVES = BENCH_METRICS.map(objectiveOffer);

export function BenchForm() {
  const draft = useMemo(() => {
    const made = createDraft();
    made.setText('devices: []\nscenario: {kind: single-stream}\n');
    return made;
  }, []);
  const model = useSignal<ChosenModel | null>(null);
  const { busy, error, run } = useAction(async () => {
    const { name: modelName, modelSha256 } = model.value as ChosenModel;
    const body = { ...draft.fields(), modelName, modelSha256 } as BenchRequestBody;
    const view = await answerOf(await sendJson('POST', '/api/bench', body), benchViewSchema);
    announce(`Bench of ${modelName} is ${view.state}`);
    location.hash = paths.bench(view.id);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  const fields = draft.fields() ?? {};
  const bound = { draft, fields };
  const joined = (devices.value ?? []).filter(({ board }) => board !== null);
  const isReady = model.value !== null && (valueAt(fields, ['devices']) as string[]).length > 0;
  const choose = (chosen: ChosenModel | null) => {
    model.value = chosen;
    draft.set(['dimensions'], undefined);
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
              hint="The model leaves it open."
              min={1}
            />
          ))}
          {joined.length === 0 ? (
            <p class="error">
              No device has joined: <a href={paths.fleet}>add one</a> first. A simulated one will do.
            </p>
          ) : (
            <DevicesField {...bound} devices={joined} />
          )}
        </div>
        <div>
          <LoadFields {...bound} />
          <ChoicesField
            {...bound}
            path={['objectives']}
            label="Objectives"
            options={OBJECTIVES}
            hint="None: the lowest median latency. Of several, a config is better that improves one by more than it worsens another."
          />
          <LinesField
            {...bound}
            path={['constraints']}
            label="Constraints"
            hint="One a line, such as “latency.p99 <= 30 ms”, “memory <= 64 MB on kitchen-pi” or “energy <= 5 mJ”"
          />
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

/** How the model is asked. */
function LoadFields(bound: Bound) {
  const kind = valueAt(bound.fields, ['scenario', 'kind']);
  return (
    <>
      <SelectField
        {...bound}
        path={['scenario', 'kind']}
        label="Load scenario"
        options={SCENARIO_KINDS}
        otherwise="single-stream"
      />
      {kind === 'multi-stream' && (
        <NumberField
          {...bound}
          path={['scenario', 'samplesPerQuery']}
          label="Samples per query"
          otherwise={8}
          min={1}
        />
      )}
      {kind === 'server' && <ServerFields {...bound} />}
    </>
  );
}

/** What is searched, and for how long. */
function SearchFields({ model, ...bound }: Bound & { model: ChosenModel | null }) {
  return (
    <details>
      <summary>Search</summary>
      <div class="columns">
        {model?.fixedBatch === null && (
          <NumbersField {...bound} path={['batchSizes']} label="Batch sizes" placeholder="1, 2, 4, 8, 16, 32" />
        )}
        {model !== null && model.precision !== 'int8' && (
          <ChoicesField
            {...bound}
            path={['precisions']}
            label="Precisions"
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
          min={1}
        />
      </div>
    </details>
  );
}

/** A given rate, or the highest that keeps a bound of the latency. */
function ServerFields(bound: Bound) {
  const { draft, fields } = bound;
  const searches = valueAt(fields, ['scenario', 'p99BoundMs']) !== undefined;
  const change = (highest: boolean) => {
    draft.set(['scenario', 'p99BoundMs'], highest ? 100 : undefined);
    draft.set(['scenario', 'arrivalsPerS'], highest ? undefined : 10);
  };
  return (
    <>
      <label class="field">
        Arrivals
        <select
          value={searches ? 'highest' : 'given'}
          onChange={(event) => change(event.currentTarget.value === 'highest')}
        >
          <option value="given">at a given rate</option>
          <option value="highest">at the highest rate that keeps a p99 latency</option>
        </select>
      </label>
      <div class="columns">
        {searches ? (
          <NumberField {...bound} path={['scenario', 'p99BoundMs']} label="p99 latency (ms)" min={0} step="any" />
        ) : (
          <NumberField {...bound} path={['scenario', 'arrivalsPerS']} label="Queries per second" min={0} step="any" />
        )}
        <NumberField
          {...bound}
          path={['scenario', 'batchingWindowMs']}
          label="Batching window (ms)"
          otherwise={0}
          min={0}
          step="any"
        />
      </div>
    </>
  );
}
