/** ONNX's own node tests, from the package `onnx` of PyPI: a model each, the inputs of its first data set beside it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dtypeOf, tensorOf } from '../../shared/onnx/tensor.ts';
import { decodeMessage, type Message } from '../../shared/onnx/wire.ts';

/** The last version whose wheel brings them. */
const ONNX_VERSION = '1.22.0';
const INSTALL_TIMEOUT_MS = 300_000;

/** The folder of the tests (a folder each), or why there is none. EDGETUNE_ONNX_NODE_TESTS names one that is there. */
export function nodeTestsFolder(): { folder: string } | { reason: string } {
  const given = process.env.EDGETUNE_ONNX_NODE_TESTS;
  if (given) return existsSync(given) ? { folder: given } : { reason: `there is no folder ${given}` };
  const target = join(tmpdir(), `edgetune-onnx-${ONNX_VERSION}`);
  const folder = join(target, 'onnx/backend/test/data/node');
  if (existsSync(folder)) return { folder };
  console.error(`installing onnx ${ONNX_VERSION} for Python into ${target} …`);
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', target, `onnx==${ONNX_VERSION}`];
  const run = spawnSync('python3', args, { encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  if (existsSync(folder)) return { folder };
  return {
    reason: `pip could not install onnx ${ONNX_VERSION}: ${run.error?.message ?? run.stderr.trim().split('\n').at(-1)}`,
  };
}

export interface NodeTest {
  name: string;
  modelPath: string;
  /** In the order of the graph's inputs. */
  inputPaths: string[];
}

/** All tests of a folder, by name. */
export function nodeTests(folder: string): NodeTest[] {
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'model.onnx')));
  return names.sort().map((name) => {
    const data = join(folder, name, 'test_data_set_0');
    const files = existsSync(data) ? readdirSync(data) : [];
    const count = files.filter((file) => file.startsWith('input_')).length;
    const inputPaths = Array.from({ length: count }, (_, index) => join(data, `input_${index}.pb`));
    return { name, modelPath: join(folder, name, 'model.onnx'), inputPaths };
  });
}

export interface InputData {
  dtype: string;
  dims: number[];
  elementCount: number;
  /** Decoded; null where the type has no plain numbers. */
  read(): number[] | null;
}

/** The tensor of a data file; null: it holds a sequence or an optional, or a tensor that is none of ours. */
export function inputData(path: string): InputData | null {
  try {
    const message: Message = decodeMessage(new Uint8Array(readFileSync(path)), 'TensorProto');
    if (message.dataType === undefined) return null;
    dtypeOf(message.dataType, path);
    return tensorOf(message, path);
  } catch {
    return null;
  }
}
