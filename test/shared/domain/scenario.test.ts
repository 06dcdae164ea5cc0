import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  SCENARIO_KINDS,
  SCENARIOS,
  scenarioKey,
  scenarioSchema,
  scenarioText,
} from '@edgetune/shared/domain/scenario.ts';
import { checkBounds } from './support/schema-bounds.ts';

const scenario = (value: object) => scenarioSchema.parse(value);

describe('a scenario', () => {
  it('has defaults and limits', () => {
    assert.deepEqual(scenario({ kind: 'multi-stream' }), { kind: 'multi-stream', samplesPerQuery: 8 });
    assert.deepEqual(scenario({ kind: 'server', arrivalsPerS: 5 }), {
      kind: 'server',
      arrivalsPerS: 5,
      batchingWindowMs: 0,
    });
    checkBounds(scenarioSchema, { kind: 'multi-stream' }, [['samplesPerQuery', [1, 1024], [0, 1025, 1.5]]]);
    checkBounds(scenarioSchema, { kind: 'server', arrivalsPerS: 5 }, [
      ['arrivalsPerS', [0.1], [0, -1]],
      ['batchingWindowMs', [0, 3], [-1]],
    ]);
    checkBounds(scenarioSchema, { kind: 'server', p99BoundMs: 5 }, [['p99BoundMs', [0.1], [0, -1]]]);
  });

  it('of a server has a rate or a bound, not both and not neither', () => {
    const both = { kind: 'server', arrivalsPerS: 5, p99BoundMs: 3 };
    for (const wrong of [both, { kind: 'server' }])
      assert.match(
        scenarioSchema.safeParse(wrong).error?.message ?? '',
        /give either arrivalsPerS, a rate, or p99BoundMs/,
      );
  });

  it('has a key and a text', () => {
    const cases: [object, string, string][] = [
      [{ kind: 'single-stream' }, 'single-stream', 'single-stream'],
      [{ kind: 'offline' }, 'offline', 'offline'],
      [{ kind: 'multi-stream', samplesPerQuery: 4 }, 'multi-stream-4', 'multi-stream, 4 samples per query'],
      [{ kind: 'server', arrivalsPerS: 20 }, 'server-20-0', 'server, 20 /s'],
      [
        { kind: 'server', p99BoundMs: 30, batchingWindowMs: 2 },
        'server-p99-30-2',
        'server, the highest rate with p99 <= 30 ms, batching window 2 ms',
      ],
    ];
    for (const [value, key, text] of cases) {
      assert.equal(scenarioKey(scenario(value)), key);
      assert.equal(scenarioText(scenario(value)), text);
    }
  });
});

it('the kinds are those of the schema', () => {
  assert.deepEqual(SCENARIO_KINDS, ['single-stream', 'multi-stream', 'server', 'offline']);
  for (const { name, description, settings } of SCENARIOS) {
    assert.ok(description.length > 0, name);
    for (const [key, setting] of Object.entries(settings.shape))
      assert.ok(key === 'kind' || (setting.description ?? '').length > 0, `${name}.${key}`);
  }
});
