/** The examples of docs/tuner-protocol.md do what they say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PAGE = readFileSync(join(ROOT, 'docs/tuner-protocol.md'), 'utf8');

function example(language: string, index = 0): string {
  const blocks = [...PAGE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, kind]) => kind === language);
  return blocks[index]?.[2] as string;
}

function replaced(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `the example says ${from}`);
  return text.replace(from, to);
}

/** What a Python program prints; null where there is no Python. */
async function printed(t: TestContext, program: string, folder: string): Promise<string | null> {
  const check = ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))'];
  if (spawnSync('python3', check, { timeout: 20_000 }).status !== 0) {
    t.skip('python3 is not installed, or older than 3.8');
    return null;
  }
  writeFileSync(join(folder, 'example.py'), program);
  const { code, out, err } = await runProgram('python3', ['example.py'], { cwd: folder });
  assert.equal(code, 0, err);
  return out;
}

test('the Python program drives `edgetune tuner` to the end of its search', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'study.yaml'), example('yaml'));
  const own = [process.execPath, join(ROOT, 'coordinator/bin/edgetune.js')].map((part) => JSON.stringify(part));
  const program = example('python');
  assert.ok(program.trim().split('\n').length <= 32);
  const output = await printed(t, replaced(program, '"npx", "edgetune"', own.join(', ')), folder);
  if (output !== null) assert.match(output, /'trial': \d+, .*'learningRate': 0\.0\d+/);
});

test('the Python program drives a tuner over HTTP', async (t) => {
  const folder = temporaryFolder(t);
  const config = loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0 }, {});
  const coordinator = await startCoordinator({ config, log: plainLogger(() => {}) });
  t.after(() => coordinator.close());
  const url = coordinator.url.replace(/\/$/, '');
  const output = await printed(t, replaced(example('python', 1), 'http://localhost:8080', url), folder);
  if (output !== null) assert.match(output, /'trial': \d+, .*'rate': 0\.0/);
});

test('the command line lists, shows and removes the tuners of a coordinator; a name of several is not enough', async (t) => {
  const folder = temporaryFolder(t);
  const config = loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0 }, {});
  const { url, close } = await startCoordinator({ config, log: plainLogger(() => {}) });
  t.after(() => close());
  const edgetune = (...args: string[]) =>
    runProgram(process.execPath, [join(ROOT, 'coordinator/bin/edgetune.js'), 'tuner', ...args, '--server', url], {
      cwd: folder,
    });
  const spec = { name: 'rates', space: { training: { rate: { type: 'float', min: 0, max: 1 } } } };
  const post = async (path: string, body: object) =>
    (await ask(new URL(path, url), { method: 'POST', body: JSON.stringify(body) })).json() as Promise<{ id: string }>;
  const whole = { ...spec, objectives: ['minimize regret'], constraints: ['collisions <= 3'], leaseS: 60 };
  const { id } = await post('/api/tuners', whole);
  await post(`/api/tuners/${id}`, { ask: {} });
  await post(`/api/tuners/${id}`, { tell: { trial: 0, metrics: { regret: 1 } } });
  await post(`/api/tuners/${id}`, { ask: {} });
  assert.match((await edgetune('list')).out, new RegExp(`${id} +rates +running +2`));
  const { out } = await edgetune('show', 'rates');
  assert.match(out, /\("rates"\) is running: 2 trials/);
  assert.match(out, /Asked and not told:[\s\S]*\n +1 +0 +1 +20\d\d-/);
  assert.match(out, /not known:[\s\S]*collisions/);
  const { id: other } = await post('/api/tuners', whole);
  const { code, err } = await edgetune('remove', 'rates');
  assert.notEqual(code, 0);
  assert.match(err, /2 tuners are called "rates": say which by its id/);
  assert.equal((await edgetune('remove', other)).code, 0);
  assert.equal((await edgetune('remove', 'rates')).code, 0);
  assert.deepEqual(JSON.parse((await edgetune('list', '--json')).out), []);
  assert.match(
    (await runProgram(process.execPath, [join(ROOT, 'coordinator/bin/edgetune.js'), 'tuner'], { cwd: folder })).err,
    /--spec FILE/,
  );
});
