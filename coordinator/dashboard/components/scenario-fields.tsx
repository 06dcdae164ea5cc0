/** How the model is asked: the scenario, and what else it needs to know. */
import type { Part } from '@edgetune/shared/domain/part.ts';
import { scenarioSchema } from '@edgetune/shared/domain/scenario.ts';
import { type Draft, valueAt } from './draft.ts';
import { NumberField } from './fields.tsx';

interface ScenarioFieldsProps {
  draft: Draft;
  fields: Record<string, unknown>;
  /** Those that there are. */
  scenarios: readonly Part[];
}

const QUERIES_PER_S = 10;

/** What holds where a scenario says nothing. */
const [, multiStream, server] = scenarioSchema.options;
const DEFAULTS = {
  samplesPerQuery: multiStream.shape.samplesPerQuery.parse(undefined),
  batchingWindowMs: server.shape.batchingWindowMs.parse(undefined),
};

export function ScenarioFields({ scenarios, ...bound }: ScenarioFieldsProps) {
  const kind = String(valueAt(bound.fields, ['scenario', 'kind']) ?? 'single-stream');
  // Each has settings of its own; a server's queries must come at some rate.
  const choose = (chosen: string) =>
    bound.draft.set(['scenario'], { kind: chosen, ...(chosen === 'server' && { arrivalsPerS: QUERIES_PER_S }) });
  return (
    <>
      <label class="field">
        Load scenario
        <select value={kind} onChange={(event) => choose(event.currentTarget.value)}>
          {scenarios.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <small>{scenarios.find(({ name }) => name === kind)?.description}</small>
      </label>
      {kind === 'multi-stream' && (
        <NumberField
          {...bound}
          path={['scenario', 'samplesPerQuery']}
          label="Samples per query"
          otherwise={DEFAULTS.samplesPerQuery}
        />
      )}
      {kind === 'server' && <ServerFields {...bound} />}
    </>
  );
}

/** A given rate, or the highest that keeps a bound of the latency. */
function ServerFields(bound: Omit<ScenarioFieldsProps, 'scenarios'>) {
  const { draft, fields } = bound;
  // A field that is emptied is still there.
  const searches = valueAt(fields, ['scenario', 'p99BoundMs']) !== undefined;
  const change = (highest: boolean) => {
    draft.set(['scenario', 'p99BoundMs'], highest ? 100 : undefined);
    draft.set(['scenario', 'arrivalsPerS'], highest ? undefined : QUERIES_PER_S);
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
          <NumberField
            {...bound}
            path={['scenario', 'p99BoundMs']}
            label="p99 latency (ms)"
            isWhole={false}
            emptied={null}
          />
        ) : (
          <NumberField
            {...bound}
            path={['scenario', 'arrivalsPerS']}
            label="Queries per second"
            isWhole={false}
            emptied={null}
          />
        )}
        <NumberField
          {...bound}
          path={['scenario', 'batchingWindowMs']}
          label="Batching window (ms)"
          otherwise={DEFAULTS.batchingWindowMs}
          isWhole={false}
        />
      </div>
    </>
  );
}
