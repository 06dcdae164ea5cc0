/** Which values may not share a scale, on small graphs with ranges that are made up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { planQuantisation } from '../../../coordinator/export/quantisation-plan.ts';
import { collapsing } from '../../../coordinator/export/unlike-ranges.ts';
import { buildOnnx, type NodeSpec } from '../../support/onnx-builder.ts';

type Range = [min: number, max: number];

const node = (opType: string, inputs: string[], output: string): NodeSpec => ({ opType, inputs, outputs: [output] });
const conv = (from: string, to: string) => node('Conv', [from, 'w'], to);

function floatIn(nodes: NodeSpec[], ranges: Record<string, Range>, channels: Record<string, Range[]> = {}): string[] {
  const graph = readOnnx(
    buildOnnx({
      inputs: [{ name: 'x', shape: ['n', 4, 8, 8] }],
      outputs: [nodes.at(-1)?.outputs[0] as string],
      initializers: [
        { name: 'w', dims: [4, 4, 3, 3] },
        { name: 'fill', dims: [1] },
        { name: 'pads', dims: [8], dataType: 7 },
      ],
      nodes,
    }),
  );
  const rangeOf = ([min, max]: Range) => ({ min, max });
  return [
    ...collapsing(
      graph,
      planQuantisation(graph),
      (tensor) => rangeOf(ranges[tensor] ?? [-1, 1]),
      (tensor) => (channels[tensor] ?? [[-1, 1]]).map(rangeOf),
    ),
  ];
}

describe('values that come to stand beside one another', () => {
  const joined = [conv('x', 'a'), conv('x', 'b'), node('Concat', ['a', 'b'], 'k'), conv('k', 'y')];

  it('share a scale where the smaller ones keep 4 bits of it', () => {
    assert.deepEqual(floatIn(joined, { a: [0, 1], b: [0, 16], k: [0, 16] }), []);
  });

  it('share none where they would not: neither they nor who reads them become integers', () => {
    assert.deepEqual(floatIn(joined, { a: [0, 1], b: [0, 17], k: [0, 17] }), ['k', 'y']);
    assert.deepEqual(floatIn(joined, { a: [-640, 0], b: [0, 0.9], k: [-640, 0.9] }), ['k', 'y']);
  });

  it('whatever moves them on the way to the reader', () => {
    const moved = [...joined.slice(0, 3), node('MaxPool', ['k'], 'p'), node('Transpose', ['p'], 't'), conv('t', 'y')];
    assert.deepEqual(floatIn(moved, { b: [0, 640], k: [0, 640] }), ['k', 'y']);
  });

  it('what never changes loses nothing', () => {
    assert.deepEqual(floatIn(joined, { a: [1, 1], b: [0, 640], k: [0, 640] }), []);
    assert.deepEqual(floatIn(joined, { a: [0, 0], b: [0, 640], k: [0, 640] }), []);
  });

  it('also a part that is float, such as boxes times a stride', () => {
    const scaled = [conv('x', 'a'), node('Sin', ['a'], 's'), node('Concat', ['a', 's'], 'k'), conv('k', 'y')];
    assert.deepEqual(floatIn(scaled, { s: [0, 640], k: [-1, 640] }), ['k', 'y']);
  });

  it('also what Where chooses among, and what Pad puts around', () => {
    const chosen = [node('Less', ['x', 'fill'], 'yes'), node('Where', ['yes', 'x', 'fill'], 'k'), conv('k', 'y')];
    assert.deepEqual(floatIn(chosen, { fill: [-1e9, -1e9], k: [-1e9, 1] }), ['k', 'y']);
    assert.deepEqual(floatIn(chosen, { fill: [-1, -1] }), []);
    const padded = [node('Pad', ['x', 'pads', 'fill'], 'k'), conv('k', 'y')];
    assert.deepEqual(floatIn(padded, { k: [-1e9, 1] }), ['k', 'y']);
  });

  it('nothing is said of what stays float anyway', () => {
    const last = [conv('x', 'a'), conv('x', 'b'), node('Concat', ['a', 'b'], 'y')];
    assert.deepEqual(floatIn(last, { b: [0, 640], y: [-1, 640] }, { b: [[0, 640]] }), []);
  });
});

describe('a convolution that makes results', () => {
  it('stays float where its channels are of unlike ranges', () => {
    const channels: Range[] = [
      [0, 640],
      [0, 0.9],
    ];
    assert.deepEqual(floatIn([conv('x', 'y')], { y: [0, 640] }, { y: channels }), ['y']);
    assert.deepEqual(floatIn([conv('x', 'y')], { y: [0, 640] }, { y: channels.slice(0, 1) }), []);
    // In the middle of a network small channels are small for a reason.
    assert.deepEqual(floatIn([conv('x', 'c'), conv('c', 'y')], { c: [0, 640] }, { c: channels }), []);
  });
});
