import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import { buildOnnx, int64Tensor, type ModelSpec } from '../../support/onnx-builder.ts';

interface Variant {
  prefix?: string;
  weight?: number;
  channels?: number;
  stride?: number;
  target?: number[];
  dataType?: number;
  activation?: string;
  shared?: boolean;
  reversed?: boolean;
  batch?: string;
}

function model(variant: Variant = {}): ModelSpec {
  const { prefix = '', weight = 0, channels = 4, stride = 1, target = [0, -1], batch = 'batch' } = variant;
  const name = (text: string) => `${prefix}${text}`;
  const dims = [channels, 3, 3, 3];
  const raw = new Uint8Array(new Float32Array(channels * 27).fill(weight).buffer);
  const dataType = variant.dataType ?? 1;
  const filled = dataType === 1 ? { raw } : {};
  const nodes = [
    { opType: 'Conv', inputs: ['x', 'w1'], outputs: ['a'], ints: { strides: [stride, stride] } },
    {
      opType: 'Conv',
      inputs: ['x', variant.shared ? 'w1' : 'w2'],
      outputs: ['b'],
      ints: { strides: [stride, stride] },
    },
    { opType: 'Add', inputs: ['a', 'b'], outputs: ['c'] },
    { opType: variant.activation ?? 'Relu', inputs: ['c'], outputs: ['d'] },
    { opType: 'Reshape', inputs: ['d', 'target'], outputs: ['y'] },
  ].map((node) => ({ ...node, inputs: node.inputs.map(name), outputs: node.outputs.map(name) }));
  return {
    inputs: [{ name: name('x'), shape: [batch, 3, 8, 8] }],
    initializers: [
      { name: name('w1'), dims, dataType, ...filled },
      { name: name('w2'), dims, dataType, ...filled },
      int64Tensor(name('target'), target),
    ],
    nodes: variant.reversed ? nodes.reverse() : nodes,
    outputs: [name('y')],
  };
}

const signature = (variant?: Variant) => signatureOf(readOnnx(buildOnnx(model(variant))));

test('names, weights, the names of open sizes and the order in the file do not matter', () => {
  const plain = signature();
  assert.match(plain, /^[0-9a-f]{64}$/);
  assert.equal(signature({ prefix: 'other/' }), plain);
  assert.equal(signature({ weight: 0.5 }), plain);
  assert.equal(signature({ batch: 'N' }), plain);
  assert.equal(signature({ reversed: true }), plain);
});

test('shapes, types, attributes, operators, connections and shape-like values matter', () => {
  const variants: Variant[] = [
    {},
    { channels: 8 },
    { stride: 2 },
    { target: [0, 4, -1] },
    { target: [-1, 36] },
    { dataType: 10 },
    { activation: 'Sigmoid' },
    // An operator of somebody's own, by a name that every object has.
    { activation: 'toString' },
    { shared: true },
  ];
  assert.equal(new Set(variants.map(signature)).size, variants.length);
});
