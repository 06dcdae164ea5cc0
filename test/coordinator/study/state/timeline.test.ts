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

describe('interval arithmetic gives intervals', () => {
  it('that are sorted, apart from each other, and not empty', () => {
    assert.deepEqual(
      union([
        [7, 9],
        [0, 4],
        [1, 2],
        [4, 5],
        [6, 6],
      ]),
      [
        [0, 5],
        [7, 9],
      ],
    );
    assert.equal(
      lengthOf([
        [1, 3],
        [5, 10],
      ]),
      7,
    );
  });

  it('cut at every edge, and none where edges touch', () => {
    const cuts = [
      [0, 1],
      [1, 3],
      [4, 5],
      [8, 12],
      [13, 14],
    ] as const;
    assert.deepEqual(without([[2, 10]], cuts), [
      [3, 4],
      [5, 8],
    ]);
    assert.deepEqual(intersection([[2, 10]], cuts), [
      [2, 3],
      [4, 5],
      [8, 10],
    ]);
    assert.deepEqual([without([[3, 4]], cuts), without([[4, 5]], cuts)], [[[3, 4]], []]);
    assert.deepEqual([intersection([[3, 4]], cuts), intersection([], cuts)], [[], []]);
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
  it('spans from the first start to the last end, and takes for waiting only what nobody worked in', () => {
    const timeline = summariseTimeline([
      span('waiting', 5_000, 20_000),
      span('training', 4_000, 6_000),
      span('measuring', 12_000, 13_000),
      span('exporting', 18_000, 24_000),
    ]);
    assert.deepEqual(timeline, { totalS: 20, trainingS: 2, measuringS: 1, overlapS: 0, overheadS: 4, pausedS: 0 });
    assert.equal(summariseTimeline([span('training', 4_000, 6_000)]).overheadS, 0);
  });
  it('is all zero for a study that has done nothing', () => {
    const nothing = { totalS: 0, trainingS: 0, measuringS: 0, overlapS: 0, overheadS: 0, pausedS: 0 };
    assert.deepEqual(summariseTimeline([]), nothing);
  });
});
