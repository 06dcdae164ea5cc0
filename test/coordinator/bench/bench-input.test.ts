/** What a bench is asked for that cannot be. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { refuseUnjudgeable } from '../../../coordinator/bench/bench-input.ts';

const asked = (objectives: string[], constraints: string[]) => () =>
  refuseUnjudgeable({
    objectives: objectives.map(parseObjective),
    constraints: constraints.map(parseConstraint),
    devices: ['pi'],
  } as unknown as Parameters<typeof refuseUnjudgeable>[0]);

it('limits out of reach, and objectives and limits that contradict each other, are refused before anything is measured', () => {
  assert.throws(asked([], ['memory <= 0 MB']), /memory is always greater than 0 B: it can never be at most 0 B/);
  assert.throws(
    asked(['minimize latency', 'maximize latency.p50'], []),
    /"maximize latency\.p50 worst" contradicts "minimize latency\.p50 worst"/,
  );
  assert.throws(
    asked([], ['latency <= 3 ms', 'latency >= 5 ms']),
    /"latency\.p50 >= 5 ms" excludes "latency\.p50 <= 3 ms"/,
  );
  assert.doesNotThrow(asked(['minimize latency', 'minimize memory'], ['latency.p99 <= 30 ms']));
});
