/** The runners that there are. */
import type { RunnerName } from '@edgetune/shared/domain/inference-config.ts';
import { onnxruntimeNode } from './onnxruntime-node.ts';
import { onnxruntimePython } from './onnxruntime-python.ts';
import type { Runner } from './runner.ts';
import { trtexec } from './trtexec.ts';

const RUNNERS: readonly Runner[] = [onnxruntimeNode, onnxruntimePython, trtexec];

/** @throws {Error} where this agent does not have it */
export function runnerNamed(name: RunnerName): Runner {
  const runner = RUNNERS.find((each) => each.name === name);
  if (!runner) throw new Error(`this agent has no runner ${name}`);
  return runner;
}
