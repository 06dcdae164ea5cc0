import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { keepHalvesAsBits } from '../../../agent/runners/half-tensors.ts';
import { InputError, makeInputs, shapeTeller } from '../../../agent/runners/model-inputs.ts';
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

it('open sizes: the batch by its place and the name that it has there, others by what is said, else refused by name', () => {
  const shape = (sizes: (number | string)[], more: object = {}, others: (number | string)[][] = []) => {
    const input = { name: 'x', shape: sizes };
    return shapeTeller([input, ...others.map((other) => ({ shape: other }))], {
      batchSize: 4,
      dimensions: {},
      ...more,
    })(input);
  };
  assert.deepEqual(shape(['any', 3]), [4, 3]);
  assert.deepEqual(shape(['N', 3, 'N']), [4, 3, 4]);
  assert.deepEqual(shape([2, 'N'], {}, [['N', 5]]), [2, 4], 'the name that the batch has at another input');
  // A size that only looks like a batch is not guessed, whatever exporters call it.
  for (const name of ['N', 'batch', 'batch_size', 'unk__12', '?'])
    assert.throws(() => shape([2, name]), /input "x" has the dynamic dimension .* give its size/, name);
  // A size without a name is the batch on the first axis only.
  for (const unnamed of ['', -1, 0]) {
    assert.deepEqual(shape([unnamed, 3]), [4, 3]);
    assert.throws(() => shape([2, unnamed, 3]), /input "x" leaves axis 1 open and unnamed: export the model/);
  }
  assert.deepEqual(shape(['batch', 'time'], { dimensions: { time: 9 } }), [4, 9]);
  assert.deepEqual(shape(['batch', 'time'], { dimensions: { time: 9, batch: 2 } }), [2, 9]);
  assert.deepEqual(shape([1, 3], { batchSize: 1 }), [1, 3]);
  assert.throws(() => shape([1, 3]), /input "x" has the fixed batch 1: batch 4 cannot be run/);
  assert.throws(() => shape(['batch', 'time']), /input "x" has the dynamic dimension "time" \(axis 1\)/);
  assert.throws(() => shape(['batch', 'toString']), /the dynamic dimension "toString"/);
});
