/** Which terms a kernel has, worked out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classOf, TERMS, termsOf } from '@edgetune/shared/costmodel/terms.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import { kernel, MEGA } from './by-hand.ts';

const CACHE = 100 * MEGA;
/** Sizes that differ, so that none can stand for another. */
const SIZES: Partial<FusedKernel> = {
  macs: 2 * MEGA,
  inputBytes: 3 * MEGA,
  outputBytes: 4 * MEGA,
  weightBytes: 5 * MEGA,
  outputElements: 6 * MEGA,
  windowElements: 9,
  unfoldedBytes: 7 * MEGA,
  steps: 8,
};
const terms = (change: Partial<FusedKernel>, cache = CACHE) => termsOf(kernel({ ...SIZES, ...change }), cache);

test('each kind of kernel has the terms of what it does, per million and per megabyte', () => {
  assert.deepEqual(terms({ kind: 'convolution' }), {
    'fixed.convolution': 1,
    'work.convolution': 2,
    'bytes.unfold': 7,
    'bytes.weights': 5,
    'bytes.convolution': 3 + 4,
  });
  assert.deepEqual(terms({ kind: 'depthwise' }), {
    'fixed.convolution': 1,
    'work.depthwise': 2,
    'bytes.convolution': 7,
  });
  assert.deepEqual(terms({ kind: 'matmul' }), {
    'fixed.matmul': 1,
    'work.matmul': 2,
    'bytes.weights': 5,
    'bytes.convolution': 7,
  });
  // Started anew for each step.
  assert.deepEqual(terms({ kind: 'recurrent' }), {
    'fixed.recurrent': 8,
    'work.recurrent': 2,
    'bytes.weights': 5,
    'bytes.convolution': 7,
  });
  assert.deepEqual(terms({ kind: 'pool' }), { 'fixed.pool': 1, 'work.pool': 6 * 9, 'bytes.elementwise': 7 });
  assert.deepEqual(terms({ kind: 'move' }), { 'fixed.move': 1, 'bytes.move': 7 });
  assert.deepEqual(terms({ kind: 'view' }), { 'fixed.view': 1 });
  for (const kind of ['elementwise', 'normalise', 'quantise'] as const)
    assert.deepEqual(terms({ kind }), { 'fixed.elementwise': 1, 'bytes.elementwise': 7 });
});

test('what a kernel reads and writes beyond the cache costs on top, views aside', () => {
  assert.equal(terms({}, 7 * MEGA)['bytes.spill'], undefined);
  assert.equal(terms({}, 5 * MEGA)['bytes.spill'], 3 + 4 - 5);
  assert.equal(terms({ kind: 'convolution' }, 0)['bytes.spill'], 7);
  assert.deepEqual(terms({ kind: 'view' }, 0), { 'fixed.view': 1 });
});

test('each operator of a kernel that evaluates a series costs for each element', () => {
  assert.equal(terms({ ops: ['Conv', 'Relu'], kind: 'convolution' })['work.transcendental'], undefined);
  assert.equal(terms({ ops: ['Conv', 'Sigmoid'], kind: 'convolution' })['work.transcendental'], 6);
  assert.equal(terms({ ops: ['Exp', 'Tanh', 'Relu'] })['work.transcendental'], 2 * 6);
});

test('what a term scales with: the clock, the clock and the cores, or the memory', () => {
  const of = (kind: string) => TERMS.filter((term) => classOf(term) === kind);
  assert.deepEqual(of('parallel'), [
    'work.convolution',
    'work.depthwise',
    'work.matmul',
    'work.recurrent',
    'work.pool',
    'work.transcendental',
  ]);
  assert.deepEqual(of('memory'), [
    'bytes.unfold',
    'bytes.weights',
    'bytes.convolution',
    'bytes.elementwise',
    'bytes.move',
    'bytes.spill',
  ]);
  assert.equal(of('serial').length, TERMS.length - 12);
});
