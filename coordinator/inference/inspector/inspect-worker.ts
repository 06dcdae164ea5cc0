/** The thread in which models that somebody has sent are read. */
import { parentPort } from 'node:worker_threads';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { architectureOf, inspectModel } from './inspect-model.ts';
import { type InspectorCall, type InspectorReply, inspectorCallSchema } from './inspector-messages.ts';

function answerTo(call: InspectorCall): InspectorReply['answer'] {
  try {
    if (call.name === 'architecture') return { architecture: architectureOf(call.model, call.dimensions) };
    return { inspection: inspectModel(call.request) };
  } catch (error) {
    if (error instanceof OnnxError) {
      const { code, where, message } = error;
      return { code, where, message: message.slice(where.length + 2) };
    }
    // What the reader did not foresee is wrong with the model all the same.
    return { code: 'invalid-graph', where: 'file', message: `it cannot be read: ${(error as Error).message}` };
  }
}

parentPort?.on('message', (message) => {
  const call = inspectorCallSchema.parse(message);
  parentPort?.postMessage({ call: call.call, answer: answerTo(call) } satisfies InspectorReply);
});
