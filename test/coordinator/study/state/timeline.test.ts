import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  intersection,
  lengthOf,
  summariseTimeline,
  union,
  without,
} from '../../../../coordinator/study/state/timeline.ts';

const intervals = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 50 })), { maxLength: 20 })
  .map((pairs) => pairs.map(([start, length]) => [start, start + length] as [number, number]));

/** Length by counting whole milliseconds: slow and obviously right. */
function covered(list: readonly (readonly [number, number])[]): Set<number> {
  return new Set(list.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i)));
}

describe('interval arithmetic agrees with counting', () => {
  it('union', () => {
    fc.assert(fc.property(intervals, (list) => assert.equal(lengthOf(union(list)), covered(list).size)));
  });
  it('intersection and without', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const [inA, inB] = [covered(a), covered(b)];
        const both = [...inA].filter((ms) => inB.has(ms)).length;
        assert.equal(lengthOf(intersection(union(a), union(b))), both);
        assert.equal(lengthOf(without(union(a), union(b))), inA.size - both);
      }),
    );
  });
});

describe('summariseTimeline', () => {
  const span = (
    kind: 'training' | 'measuring' | 'paused' | 'exporting' | 'waiting',
    startMs: number,
    endMs: number,
  ) => ({
    lane: 'x',
    kind,
    trialId: null,
    startMs,
    endMs,
  });
  it('counts overlap once, takes pauses out of training, and leaves the rest as overhead', () => {
    const timeline = summariseTimeline([
      span('training', 0, 10_000),
      span('training', 2_000, 8_000),
      span('measuring', 6_000, 12_000),
      span('paused', 6_000, 7_000),
      span('exporting', 12_000, 14_000),
    ]);
    assert.deepEqual(timeline, { totalS: 14, trainingS: 9, measuringS: 6, overlapS: 3, overheadS: 2, pausedS: 1 });
  });
  it('is all zero for a study that has done nothing', () => {
    assert.equal(summariseTimeline([]).totalS, 0);
  });
});
