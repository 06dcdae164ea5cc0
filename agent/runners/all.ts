/** The runners that there are. */
import { onnxruntimeNode } from './onnxruntime-node.ts';
import { onnxruntimePython } from './onnxruntime-python.ts';
import type { Runner } from './runner.ts';
import { trtexec } from './trtexec.ts';

export const RUNNERS: readonly Runner[] = [onnxruntimeNode, onnxruntimePython, trtexec];
