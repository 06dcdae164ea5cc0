/** What ONNX Runtime makes of a row of the table. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { keepHalvesAsBits } from '../../../../agent/runners/half-tensors.ts';
import { elementsOfOperand, inputName, modelOf, type OperatorCase } from './operator-case.ts';

keepHalvesAsBits(Tensor);

/** Runs the row's model on the CPU, unchanged by optimisations. Outputs by name; those left out are absent. */
export async function runInOnnxRuntime(row: OperatorCase): Promise<ReadonlyMap<string, Tensor>> {
  const session = await InferenceSession.create(modelOf(row), {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Models that it refuses are expected; it need not print them.
    logSeverityLevel: 4,
  });
  try {
    const feeds: Record<string, Tensor> = {};
    for (const [index, operand] of row.inputs.entries())
      if (operand && !operand.isInitializer)
        feeds[inputName(index)] = new Tensor(
          operand.dtype as 'float32',
          elementsOfOperand(operand) as Float32Array,
          operand.shape,
        );
    return new Map(Object.entries(await session.run(feeds)));
  } finally {
    await session.release();
  }
}
