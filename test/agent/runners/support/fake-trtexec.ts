/** A program that stands in for trtexec: it takes the same options and prints what the real one prints. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/**
 * Lines in the words of TensorRT's samples/trtexec/trtexec.cpp, samples/common/{logging.h,sampleInference.cpp,sampleReporting.cpp} and of
 * its library (release 8.5); queries of 2 ms, some of which belong to the warm-up.
 */
const PROGRAM = `#!${process.execPath}
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
const option = (name) => args.find((arg) => arg.startsWith('--' + name + '='))?.slice(name.length + 3);
appendFileSync(__filename + '.log', JSON.stringify(args) + '\\n');
const say = (line) => process.stdout.write('[07/14/2026-11:55:14] [I] ' + line + '\\n');
const fail = (line) => {
  process.stdout.write('[07/14/2026-11:55:14] [E] [TRT] ' + line + '\\n&&&& FAILED TensorRT.trtexec [TensorRT v8502] # trtexec\\n');
  process.exit(1);
};
console.log('&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec ' + args.join(' '));
if (args.includes('--help')) process.exit(0);
if (option('onnx')) {
  if (process.env.FAKE_TRTEXEC_FAILS) fail(process.env.FAKE_TRTEXEC_FAILS);
  writeFileSync(option('saveEngine'), 'an engine');
  process.exit(0);
}
if (!existsSync(option('loadEngine'))) fail('Error opening engine file: ' + option('loadEngine'));
say('[TRT] [MemUsageChange] TensorRT-managed allocation in engine deserialization: CPU +0, GPU +186, now: CPU 0, GPU 186 (MiB)');
say('[TRT] [MemUsageChange] TensorRT-managed allocation in IExecutionContext creation: CPU +2, GPU +80, now: CPU 2, GPU 266 (MiB)');
say('Starting inference');
const warmUp = Number(option('warmUp'));
const count = Math.max(Number(option('iterations')), 10);
const queries = Array.from({ length: 5 + count }, (_, i) => {
  const start = warmUp - 10 + 2 * i;
  return { startEnqMs: start, endEnqMs: start + 0.1, startH2dMs: start, endH2dMs: start + 0.2, startComputeMs: start + 0.2,
    endComputeMs: start + 1.8, startD2hMs: start + 1.8, endD2hMs: start + 2, h2dMs: 0.2, computeMs: 1.6, d2hMs: 0.2, latencyMs: 2 };
});
setTimeout(() => {
  say('Warmup completed 5 queries over ' + warmUp + ' ms');
  say('Timing trace has ' + count + ' queries over ' + (2 * count) / 1000 + ' s');
  writeFileSync(option('exportTimes'), JSON.stringify(queries));
}, 150);
`;

export interface FakeTrtexec {
  path: string;
  /** Options of each run so far. */
  runs(): string[][];
}

export function fakeTrtexec(t: Pick<TestContext, 'after'>): FakeTrtexec {
  // A folder of its own without a package.json: the program is CommonJS.
  const path = join(temporaryFolder(t), 'trtexec');
  writeFileSync(path, PROGRAM);
  chmodSync(path, 0o755);
  return {
    path,
    runs: () =>
      readFileSync(`${path}.log`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as string[]),
  };
}
