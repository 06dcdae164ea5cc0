/** The only way in which the agent loads ONNX Runtime: silent towards its maker. */
import { keepOnnxRuntimeSilent } from '@edgetune/shared/runtime/no-telemetry.ts';

export function loadOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  keepOnnxRuntimeSilent();
  return import('onnxruntime-node');
}
