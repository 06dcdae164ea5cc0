/** Models of older operator sets answer the same once they are raised: both in ONNX Runtime. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeMessage } from '@edgetune/shared/onnx/wire.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeOnnx, type OnnxMessage } from '../../../coordinator/export/encode-onnx.ts';
import { opsetOfModel } from '../../../coordinator/export/graph-edit.ts';
import { raiseOpset, UnraisableError } from '../../../coordinator/export/raise-opset.ts';
import { buildOnnx, int64Tensor, type ModelSpec, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';

const node = (opType: string, inputs: string[], rest: Partial<NodeSpec> = {}): NodeSpec => ({
  ...{ opType, inputs, outputs: ['y'] },
  ...rest,
});
const floats = (name: string, dims: number[], values: number[]): TensorSpec => ({
  ...{ name, dims },
  raw: new Uint8Array(Float32Array.from(values).buffer),
});
const CHANNELS = ['scale', 'shift', 'mean', 'variance'].map((name) => floats(name, [3], [0.5, 1, 2]));
const X = new Tensor(
  'float32',
  Float32Array.from({ length: 2 * 3 * 4 * 4 }, (_, i) => Math.sin(i * 1.7) * 3),
  [2, 3, 4, 4],
);

const specOf = (opset: number, nodes: NodeSpec[], change: Partial<ModelSpec> = {}): ModelSpec => ({
  opset,
  inputs: [{ name: 'x', shape: [2, 3, 4, 4] }],
  outputs: [...new Set(nodes.flatMap(({ outputs }) => outputs))].filter((name) => name.startsWith('y')),
  initializers: CHANNELS,
  nodes,
  ...change,
});
const decoded = (spec: ModelSpec): OnnxMessage => decodeMessage(buildOnnx(spec), 'ModelProto') as OnnxMessage;

async function answer(onnx: Uint8Array) {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const outputs = await session.run({ x: X });
  await session.release();
  return Object.entries(outputs).map(([name, { dims, data }]) => [name, dims, [...(data as Float32Array)]]);
}

async function assertSame(spec: ModelSpec, ranks?: Map<string, number>): Promise<OnnxMessage> {
  const raised = raiseOpset(decoded(spec), ranks);
  assert.equal(opsetOfModel(raised), 13);
  assert.deepEqual(await answer(encodeOnnx(raised)), await answer(buildOnnx(spec)));
  return raised;
}

const opsIn = (model: OnnxMessage) => ((model.graph as OnnxMessage).nodes as OnnxMessage[]).map(({ opType }) => opType);

describe('an older model, raised', () => {
  const axis = (value: number) => ({ int: { axis: value } });
  const CASES: [name: string, opset: number, nodes: NodeSpec[]][] = [
    ['Slice', 9, [node('Slice', ['x'], { ints: { starts: [0, 1], ends: [2 ** 63, -1], axes: [2, 3] } })]],
    ['Slice of the first axes', 8, [node('Slice', ['x'], { ints: { starts: [1], ends: [2] } })]],
    ['TopK', 9, [node('TopK', ['x'], { outputs: ['y', 'places'], int: { k: 2, axis: 1 } })]],
    ['Upsample', 7, [node('Upsample', ['x'], { floats: { scales: [1, 1, 2, 3] } })]],
    [
      'Upsample between pixels',
      7,
      [node('Upsample', ['x'], { floats: { scales: [1, 1, 2, 3] }, strings: { mode: 'linear' } })],
    ],
    ['BatchNormalization', 8, [node('BatchNormalization', ['x', 'scale', 'shift', 'mean', 'variance'])]],
    ['Pad', 10, [node('Pad', ['x'], { ints: { pads: [0, 0, 1, 2, 0, 0, 0, 1] }, float: { value: 7 } })]],
    ['Pad with nothing', 9, [node('Pad', ['x'], { ints: { pads: [0, 0, 1, 2, 0, 0, 0, 1] } })]],
    ['Clip on both sides', 10, [node('Clip', ['x'], { float: { min: -1, max: 2 } })]],
    ['Clip above', 10, [node('Clip', ['x'], { float: { max: 2 } })]],
    ['Clip nowhere', 6 + 1, [node('Clip', ['x'])]],
    ['Dropout', 9, [node('Dropout', ['x'], { outputs: ['y', 'mask'], float: { ratio: 0.3 } })]],
    [
      'Squeeze and Unsqueeze',
      12,
      [
        node('Unsqueeze', ['x'], { outputs: ['u'], ints: { axes: [0, 3] } }),
        node('Squeeze', ['u'], { ints: { axes: [3] } }),
      ],
    ],
    ['ReduceSum', 12, [node('ReduceSum', ['x'], { ints: { axes: [1, 2] }, int: { keepdims: 0 } })]],
    ['ReduceSum of everything', 11, [node('ReduceSum', ['x'])]],
    ['Split', 12, [node('Split', ['x'], { outputs: ['y', 'y2'], ints: { split: [1, 2] }, int: { axis: 1 } })]],
    ['Split in equal parts', 11, [node('Split', ['x'], { outputs: ['y', 'y2'], int: { axis: 2 } })]],
    ['Softmax over the rest', 12, [node('Softmax', ['x'])]],
    ['Softmax from an axis on', 9, [node('Softmax', ['x'], axis(2))]],
    ['LogSoftmax', 11, [node('LogSoftmax', ['x'], axis(1))]],
    ['Hardmax', 11, [node('Hardmax', ['x'], axis(-1))]],
    ['what has not changed', 7, [node('Relu', ['x'], { outputs: ['r'] }), node('GlobalMaxPool', ['r'])]],
  ];
  for (const [name, opset, nodes] of CASES)
    it(`${name} (${opset}) answers the same`, async () => void (await assertSame(specOf(opset, nodes))));

  it('Resize as it was at first answers the same', async () => {
    const scales = floats('scales', [4], [1, 1, 2.5, 0.5]);
    const spec = specOf(10, [node('Resize', ['x', 'scales'])], { initializers: [scales] });
    await assertSame(spec);
  });

  it('Upsample whose scales are an input, and Scatter, answer the same', async () => {
    const scales = floats('scales', [4], [1, 1, 2, 2]);
    await assertSame(specOf(9, [node('Upsample', ['x', 'scales'])], { initializers: [scales] }));
    const initializers = [{ ...int64Tensor('at', [1]), dims: [1, 1, 1, 1] }, floats('new', [1, 1, 1, 1], [9])];
    await assertSame(specOf(9, [node('Scatter', ['x', 'at', 'new'])], { initializers }));
  });

  it('a Softmax along the last axis is nothing more', async () => {
    const raised = await assertSame(specOf(9, [node('Softmax', ['x'], axis(3))]), new Map([['x', 4]]));
    assert.deepEqual(opsIn(raised), ['Softmax']);
    const unknown = await assertSame(specOf(9, [node('Softmax', ['x'], axis(3))]));
    assert.deepEqual(opsIn(unknown), ['Shape', 'Flatten', 'Softmax', 'Reshape']);
  });

  it('the bodies of control flow are raised too', async () => {
    const body = (from: number) => ({
      inputs: [],
      nodes: [node('Slice', ['x'], { outputs: ['part'], ints: { starts: [from], ends: [from + 1] } })],
      outputs: ['part'],
    });
    const graphs = { then_branch: body(0), else_branch: body(1) };
    const yes: TensorSpec = { name: 'yes', dims: [], dataType: 9, raw: Uint8Array.of(1) };
    await assertSame(specOf(9, [node('If', ['yes'], { graphs })], { initializers: [yes] }));
  });

  it('names of new constants are free', async () => {
    const taken = [floats('x_pads', [1], [0]), floats('x_min', [1], [0])];
    const pads = { ints: { pads: [0, 0, 1, 0, 0, 0, 0, 0] } };
    const nodes = [
      node('Pad', ['x'], { outputs: ['p'], ...pads }),
      node('Clip', ['x'], { outputs: ['c'], float: { min: 0 } }),
      node('Pad', ['c'], { outputs: ['q'], ...pads }),
      node('Add', ['p', 'q']),
    ];
    await assertSame(specOf(10, nodes, { initializers: taken }));
  });

  it('one of operator set 13 or later is left as it is', () => {
    for (const opset of [13, 17]) {
      const model = decoded(specOf(opset, [node('Softmax', ['x'])]));
      assert.equal(raiseOpset(model), model);
    }
  });
});

describe('what cannot be raised is refused with the node', () => {
  const refused = (spec: ModelSpec, message: RegExp) =>
    assert.throws(
      () => raiseOpset(decoded(spec)),
      (error: Error) => error instanceof UnraisableError && message.test(error.message),
    );

  it('operators that meant something else', () => {
    const normalised = node('BatchNormalization', ['x', 'scale', 'shift', 'mean', 'variance'], { int: { spatial: 0 } });
    refused(specOf(8, [{ ...normalised, name: 'norm' }]), /node "norm" \(BatchNormalization\)/);
    const masked = node('Dropout', ['x'], { outputs: ['d', 'mask'] });
    refused(specOf(9, [masked, node('Mul', ['d', 'mask'])]), /node "d" \(Dropout\).* mask/);
    refused(specOf(8, [node('Scan', ['x'], { name: 's' })]), /node "s" \(Scan\)/);
  });

  it('sets of before operators broadcast', () => {
    refused(specOf(6, [node('Relu', ['x'])]), /operator set 6 is older than 7/);
  });
});
