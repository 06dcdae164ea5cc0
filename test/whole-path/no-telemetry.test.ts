/**
 * What runs models reports to nobody: ONNX Runtime's own reporting leaves a queue in the cache folder at its first
 * session, and asks the network for its maker's address 9 s later (tried with 1.30 in Node.js, 1.32 in Python).
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pythonForTests } from '../support/measuring.ts';
import { reluModel } from '../support/models.ts';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { hasTool } from '../support/tools.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Longer than the reporter waits. */
const SECONDS = 11;
const PROGRAM_S = 60;

const agent = (...options: string[]) => [
  join(ROOT, 'agent/bin/edgetune-agent.js'),
  ...['measure', 'model.onnx', '--tolerate-load', '--seconds', String(SECONDS), ...options],
];

/** What the coordinator evaluates and quantises with. */
const COORDINATOR = `
  const { readFileSync } = await import('node:fs');
  const { loadSession } = await import(${JSON.stringify(join(ROOT, 'coordinator/export/run-onnx.ts'))});
  const { Tensor } = await import(${JSON.stringify(join(ROOT, 'coordinator/export/load-onnxruntime.ts'))})
    .then((it) => it.loadOnnxRuntime());
  const session = await loadSession(readFileSync('model.onnx'));
  const feeds = { [session.inputNames[0]]: new Tensor('float32', new Float32Array(16), [1, 16]) };
  for (const end = Date.now() + ${SECONDS}000; Date.now() < end; ) await session.run(feeds);
  process.exit(0);`;

describe('models run silently', { concurrency: true }, () => {
  it('the agent, in its measuring process', (t) => staysSilent(t, agent('--runner', 'onnxruntime-node')));

  it("the agent, in the board's Python", async (t) => {
    const found = pythonForTests();
    if ('reason' in found) return t.skip(found.reason);
    await staysSilent(t, agent('--runner', 'onnxruntime-python'), { EDGETUNE_AGENT_PYTHON: found.python });
  });

  it('the coordinator', (t) =>
    staysSilent(t, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', COORDINATOR]));
});

/** Runs it as somebody with empty folders, and looks at what is in them afterwards, and at whom it has talked to. */
async function staysSilent(t: TestContext, args: string[], variables: NodeJS.ProcessEnv = {}): Promise<void> {
  const folder = temporaryFolder(t, { 'model.onnx': reluModel() });
  const [home, cache, temporary] = ['home', 'cache', 'tmp'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, cache, temporary]) mkdirSync(path);
  // Nothing else of this environment: in some ONNX Runtime is silent by itself (CI, ORT_RUNNING_UNIT_TESTS).
  const env = { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: cache, TMPDIR: temporary, ...variables };
  const trace = join(folder, 'calls');
  const traced = hasTool('strace')
    ? ['strace', '-f', '-qq', '-e', 'trace=socket,connect,sendto', '-o', trace, process.execPath]
    : [process.execPath];
  const [command, ...before] = traced as [string, ...string[]];
  const { code, out, err } = await runProgram(command, [...before, ...args], { cwd: folder, env, seconds: PROGRAM_S });
  assert.equal(code, 0, `${out}\n${err}`);
  // tsx keeps there what it has compiled, in a checkout.
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => !/^tmp\/tsx-/.test(path));
  assert.deepEqual(left.sort(), [...(traced.length > 1 ? ['calls'] : []), 'cache', 'home', 'model.onnx', 'tmp'].sort());
  if (traced.length === 1) return t.diagnostic('no strace here: sockets were not watched');
  assert.deepEqual(readFileSync(trace, 'utf8').match(/.*AF_INET.*/g) ?? [], []);
}
