/**
 * `npm run check:onnx-node-tests [-- --json FILE]`: ONNX's own node tests, read by EdgeTune and run by ONNX Runtime. Fails where
 * one is sized otherwise than ONNX Runtime sizes it, where one ends in an error that is no refusal, or where fewer than 90 % of those
 * that ONNX Runtime runs are sized.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { analyseGraph } from '../shared/onnx/analyse.ts';
import type { OnnxGraph } from '../shared/onnx/graph.ts';
import { inferShapes } from '../shared/onnx/infer-shapes.ts';
import { OnnxError } from '../shared/onnx/onnx-error.ts';
import { readOnnx } from '../shared/onnx/read-onnx.ts';
import { tensorFromValues } from '../shared/onnx/tensor.ts';
import { execArgvFor } from '../shared/runtime/child-module.ts';
import { keepOnnxRuntimeSilent } from '../shared/runtime/no-telemetry.ts';
import type { RuntimeOutcome } from './onnx-node-tests/run-child.ts';
import { inputData, type NodeTest, nodeTests, nodeTestsFolder } from './onnx-node-tests/test-files.ts';

const LEAST_SHARE_SIZED = 0.9;
/** Most take milliseconds. */
const LONGEST_RUN_MS = 60_000;
/** What decides a shape is small: this is what a user would give by --input-data. */
const MOST_GIVEN_VALUES = 4096;

/** `bounded`: how much it makes depends on the data, and it is counted as the most. */
type Verdict = 'sized' | 'bounded' | 'wrong' | 'refused' | 'untyped' | 'not run';
interface Row {
  name: string;
  verdict: Verdict;
  /** Why it is refused or wrong, and what kind of error it was. */
  detail: string;
  /** Its cost is known as well. */
  isCosted: boolean;
}

class Runtime {
  #child: ChildProcess | null = null;

  async run(test: NodeTest): Promise<RuntimeOutcome> {
    this.#child ??= fork(fileURLToPath(new URL('./onnx-node-tests/run-child.ts', import.meta.url)), {
      execArgv: execArgvFor(import.meta.url),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const child = this.#child;
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN_MS);
    const ended = once(child, 'exit').then(() => ({ name: test.name, refused: 'it ends the process, or never does' }));
    const answered = once(child, 'message').then(([outcome]) => outcome as RuntimeOutcome);
    child.send(test);
    const outcome = await Promise.race([answered, ended]);
    clearTimeout(timer);
    if (child.exitCode !== null || child.signalCode !== null) this.#child = null;
    return outcome;
  }

  close(): void {
    this.#child?.disconnect();
  }
}

/** The graph with the sizes of its data, and (where a shape depends on them) the data themselves. */
function sizedGraph(test: NodeTest, withValues: boolean): OnnxGraph {
  const graph = readOnnx(new Uint8Array(readFileSync(test.modelPath)));
  const data = new Map(graph.inputs.map(({ name }, index) => [name, inputData(test.inputPaths[index] ?? '')]));
  const given = graph.inputs.flatMap(({ name, dtype }) => {
    const tensor = data.get(name);
    if (!withValues || !tensor || tensor.elementCount > MOST_GIVEN_VALUES) return [];
    const values = tensor.read();
    return values ? [[name, tensorFromValues(name, dtype, tensor.dims, values)] as const] : [];
  });
  const isGiven = new Set(given.map(([name]) => name));
  return {
    ...graph,
    inputs: graph.inputs
      .filter(({ name }) => !isGiven.has(name))
      .map((input) => ({ ...input, shape: data.get(input.name)?.dims ?? input.shape })),
    initializers: new Map([...graph.initializers, ...given]),
  };
}

function sizesBy(test: NodeTest): { graph: OnnxGraph; values: ReturnType<typeof inferShapes> } {
  const shapesOf = (graph: OnnxGraph) => ({ graph, values: inferShapes(graph, { batchSize: 1 }) });
  try {
    return shapesOf(sizedGraph(test, false));
  } catch (error) {
    if (error instanceof OnnxError && /depends on the data/.test(error.message))
      return shapesOf(sizedGraph(test, true));
    throw error;
  }
}

function compare(test: NodeTest, outcome: RuntimeOutcome): Row {
  const row = (verdict: Verdict, detail = '', isCosted = false) => ({ name: test.name, verdict, detail, isCosted });
  try {
    const { graph, values } = sizesBy(test);
    const isCosted = analyseGraph(graph, { batchSize: 1 }).macs >= 0;
    if ('refused' in outcome) return row('not run', outcome.refused, isCosted);
    let verdict: Verdict = 'sized';
    for (const [name, output] of Object.entries(outcome.outputs)) {
      const value = values.get(name);
      const [own, theirs] = [`${value?.dtype} [${value?.shape}]`, `${output?.dtype} [${output?.dims}]`];
      if (own === theirs) continue;
      const isWithin = value?.atMost && output?.dims.every((size, axis) => size <= (value.shape[axis] ?? -1));
      if (!isWithin) return row('wrong', `${name} is ${theirs}, not ${own}`);
      verdict = 'bounded';
    }
    return row(verdict, '', isCosted);
  } catch (error) {
    if (!(error instanceof OnnxError)) return row('untyped', (error as Error).stack ?? String(error));
    return row('refused' in outcome ? 'not run' : 'refused', `${error.code}: ${error.message}`);
  }
}

async function main(): Promise<void> {
  keepOnnxRuntimeSilent();
  const found = nodeTestsFolder();
  if ('reason' in found) {
    console.error(`SKIPPED, nothing was checked: ${found.reason}`);
    return;
  }
  const runtime = new Runtime();
  const rows: Row[] = [];
  for (const test of nodeTests(found.folder)) rows.push(compare(test, await runtime.run(test)));
  runtime.close();
  const of = (verdict: Verdict) => rows.filter((row) => row.verdict === verdict);
  for (const verdict of ['wrong', 'untyped', 'refused'] as const)
    for (const { name, detail } of of(verdict)) console.log(`${verdict}: ${name}: ${detail}`);
  const ran = rows.length - of('not run').length - of('untyped').length;
  const share = of('sized').length / ran;
  const summary = {
    tests: rows.length,
    runByOnnxRuntime: ran,
    sized: of('sized').length,
    shareSized: share,
    costed: of('sized').filter(({ isCosted }) => isCosted).length,
    bounded: of('bounded').length,
    refused: of('refused').length,
    wrong: of('wrong').length,
    untyped: of('untyped').length,
  };
  console.log(JSON.stringify(summary, null, 2));
  const file = process.argv[process.argv.indexOf('--json') + 1];
  if (process.argv.includes('--json') && file) writeFileSync(file, JSON.stringify({ summary, rows }, null, 2));
  if (share < LEAST_SHARE_SIZED || summary.wrong > 0 || summary.untyped > 0) process.exitCode = 1;
}

await main();
