import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { keepHalvesAsBits } from '../../../agent/runners/half-tensors.ts';
import { InputError, makeInputs, shapesOf } from '../../../agent/runners/model-inputs.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';

keepHalvesAsBits(Tensor);

/** ONNX's numbers of types, and the values that an input of them may get: bounds without and with. */
const TYPES = {
  float32: { number: 1, within: [-1, 1] },
  uint8: { number: 2, within: [0, 256] },
  int8: { number: 3, within: [-128, 128] },
  int32: { number: 6, within: [0, 2] },
  int64: { number: 7, within: [0, 2] },
  bool: { number: 9, within: [0, 2] },
  // As bits: halves from 0.5 to below 1 (IEEE 754 binary16).
  float16: { number: 10, within: [0x3800, 0x3c00] },
  float64: { number: 11, within: [-1, 1] },
} as const;

/** A model that returns its input. */
async function identity(t: TestContext, dataType: number, shape: (number | string)[]): Promise<InferenceSession> {
  const session = await InferenceSession.create(
    buildOnnx({
      opset: 17,
      inputs: [{ name: 'x', shape, dataType }],
      nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'] }],
      outputs: [{ name: 'y', dataType: null }],
    }),
    { logSeverityLevel: 4 },
  );
  t.after(() => session.release());
  return session;
}

const options = { batchSize: 1, dimensions: {}, seed: 7 };
const numbers = (tensor: Tensor) => Array.from(tensor.data as Iterable<number | bigint>, Number);

describe('inputs of every type that the agent can make', () => {
  for (const [type, { number, within }] of Object.entries(TYPES))
    it(`${type}: ONNX Runtime takes the values and gives them back`, async (t) => {
      const session = await identity(t, number, [3, 50]);
      const { x } = makeInputs(Tensor, session, options) as { x: Tensor };
      assert.equal(x.type, type);
      assert.deepEqual(x.dims, [3, 50]);
      const values = numbers(x);
      assert.ok(values.every((value) => value >= within[0] && value < within[1]));
      assert.ok(new Set(values).size > 1, 'they are not all the same');
      const { y } = (await session.run({ x })) as unknown as { y: Tensor };
      assert.deepEqual(numbers(y), values);
    });

  it('strings are refused with the name of the input', async (t) => {
    const session = await identity(t, 8, [2]);
    assert.throws(
      () => makeInputs(Tensor, session, options),
      (error: Error) => error instanceof InputError && /input "x" is of type string/.test(error.message),
    );
  });

  it('the same seed makes the same values, another one others', async (t) => {
    const session = await identity(t, TYPES.float32.number, [20]);
    const made = (seed: number) => numbers((makeInputs(Tensor, session, { ...options, seed }) as { x: Tensor }).x);
    assert.deepEqual(made(1), made(1));
    assert.notDeepEqual(made(1), made(2));
  });
});

describe('open sizes', () => {
  const shape = (sizes: (number | string)[], more: object = {}) =>
    shapesOf([{ name: 'x', shape: sizes }], { batchSize: 4, dimensions: {}, ...more }).get('x');

  it('are those of the coordinator, as runtimes describe them', () => {
    assert.deepEqual(shape(['batch', 3, 'time'], { dimensions: { time: 9 } }), [4, 3, 9]);
    for (const unnamed of ['', -1]) {
      assert.deepEqual(shape([unnamed, 3]), [4, 3]);
      assert.throws(() => shape([unnamed, 3, unnamed]), /input "x", axis 2: .* give the whole shape/);
    }
    assert.throws(
      () => shape(['N', 3]),
      (error) => error instanceof InputError && /give a size for "N"/.test(error.message),
    );
  });

  it('a model whose batch is fixed runs it whole, padded where fewer samples wait; more than that is refused', () => {
    assert.deepEqual(shape([4, 3], { batchSize: 2, fullBatch: 4 }), [4, 3]);
    assert.deepEqual(shape(['batch', 3], { batchSize: 2, fullBatch: 4 }), [2, 3]);
    assert.throws(() => shape([1, 3]), /the model's batch is fixed at 1; it cannot run with 4/);
  });
});
