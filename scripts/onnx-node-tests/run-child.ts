/** Runs node tests in ONNX Runtime, in a process of its own: a model may end it. Says each outcome as it comes. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { keepHalvesAsBits } from '../../agent/runners/half-tensors.ts';
import { type InputData, inputData, type NodeTest } from './test-files.ts';

/** `outputs`: null in place of one that is no tensor. */
export type RuntimeOutcome = { name: string } & (
  | { outputs: Record<string, { dtype: string; dims: number[] } | null> }
  | { refused: string }
);

keepHalvesAsBits(Tensor);

type Elements = ArrayLike<number | bigint>;
const ARRAYS: Record<string, (values: number[]) => Elements> = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  int64: (values) => BigInt64Array.from(values, (value) => BigInt(Math.trunc(value))),
  uint64: (values) => BigUint64Array.from(values, (value) => BigInt(Math.trunc(value))),
  int32: (values) => Int32Array.from(values),
  uint32: (values) => Uint32Array.from(values),
  int16: (values) => Int16Array.from(values),
  uint16: (values) => Uint16Array.from(values),
  int8: (values) => Int8Array.from(values),
  uint8: (values) => Uint8Array.from(values),
  bool: (values) => Uint8Array.from(values),
  // Only shapes are compared: halves of 0.5 will do.
  float16: (values) => Uint16Array.from(values, () => 0x3800),
};

/** @throws {Error} where ONNX Runtime's binding has no such tensor */
function tensorFor(data: InputData | null): Tensor {
  if (data === null) throw new Error('an input that is no tensor');
  const make = ARRAYS[data.dtype];
  const values = data.read();
  if (!make || !values) throw new Error(`an input of type ${data.dtype}`);
  return new Tensor(data.dtype as 'float32', make(values) as Float32Array, data.dims);
}

async function outcomeOf({ name, modelPath, inputPaths }: NodeTest): Promise<RuntimeOutcome> {
  try {
    const options = { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
    const session = await InferenceSession.create(modelPath, options);
    const feeds = session.inputNames.map((input, index) => [input, tensorFor(inputData(inputPaths[index] ?? ''))]);
    const results = await session.run(Object.fromEntries(feeds));
    const outputs = session.outputNames.map((output) => {
      const tensor = results[output];
      return [output, tensor?.dims ? { dtype: tensor.type as string, dims: [...tensor.dims] } : null];
    });
    await session.release();
    return { name, outputs: Object.fromEntries(outputs) };
  } catch (error) {
    return { name, refused: (error as Error).message };
  }
}

process.on('message', async (test: NodeTest) => {
  const outcome = await outcomeOf(test);
  process.send?.(outcome);
});
process.on('disconnect', () => process.exit());
