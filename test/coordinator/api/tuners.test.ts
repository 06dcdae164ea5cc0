/** Ask and tell over HTTP, on a real coordinator with its store. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { problemSchema } from '@edgetune/shared/protocol/http.ts';
import { tunerListSchema, tunerSpecSchema, tunerViewSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { stringify } from 'yaml';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SPEC = {
  space: { training: { rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' } } },
  devices: ['pi'],
  objectives: ['maximize accuracy', 'minimize latency on pi'],
  constraints: ['latency.p99 <= 30 ms on pi'],
  budget: { minEpochs: 1, maxEpochs: 9 },
  stop: { trials: 30 },
};

async function coordinator(t: TestContext, dataDir: string, adminToken?: string) {
  const config = loadConfig({ dataDir, port: 0, mqttPort: 0, ...(adminToken ? { adminToken } : {}) }, {});
  const started = await startCoordinator({ config, log: plainLogger(() => {}) });
  t.after(() => started.close());
  const send = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    ask(new URL(path, started.url), { method, headers, ...(body === undefined ? {} : { body }) });
  const create = async (spec: object = SPEC) =>
    tunerViewSchema.parse(await (await send('POST', '/api/tuners', JSON.stringify(spec))).json()).id;
  const lines = async (id: string, ...messages: object[]) => {
    const response = await send('POST', `/api/tuners/${id}`, messages.map((each) => JSON.stringify(each)).join('\n'));
    assert.equal(response.status, 200);
    return (await response.text()).trim().split('\n');
  };
  return { close: started.close, send, create, lines };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** What a made-up training makes of a job. */
function tellOf(line: string): object {
  const { trial, rung, candidate, budget } = JSON.parse(line);
  const latency = 10 + trial;
  const accuracy = trial % 7 === 3 ? null : candidate.rate / budget.epochs;
  return { tell: { trial, rung, metrics: { accuracy, 'latency.p50@pi': latency, 'latency.p99@pi': latency } } };
}

test('a search that outlives its coordinator goes on as if nothing had happened', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const uninterrupted = createTunerSession(tunerSpecSchema.parse(SPEC));
  const expected = (message: object) => uninterrupted.answer(JSON.stringify(message));
  const first = await coordinator(t, dataDir);
  const id = await first.create();
  const round = async ({ lines }: typeof first, count: number) => {
    for (let i = 0; i < count; i++) {
      const [asked] = await lines(id, { ask: {}, id: i });
      assert.equal(asked, expected({ ask: {}, id: i }));
      assert.deepEqual(await lines(id, tellOf(asked as string)), [expected(tellOf(asked as string))]);
    }
  };
  await round(first, 12);
  // Two jobs are open when the coordinator ends.
  assert.deepEqual(await first.lines(id, { ask: {} }, { ask: {} }), [expected({ ask: {} }), expected({ ask: {} })]);
  await first.close();

  const second = await coordinator(t, dataDir);
  const { open } = tunerViewSchema.parse(await (await second.send('GET', `/api/tuners/${id}`)).json());
  assert.equal(open.length, 2);
  for (const job of open) {
    const tell = tellOf(JSON.stringify(job));
    assert.deepEqual(await second.lines(id, tell), [expected(tell)]);
  }
  await round(second, 12);
  assert.deepEqual(await second.lines(id, { front: {} }, { best: {} }), [
    expected({ front: {} }),
    expected({ best: {} }),
  ]);
});

test('many lines at once are answered in their order, also beside others', async (t) => {
  const { create, lines } = await coordinator(t, join(temporaryFolder(t), 'data'));
  const id = await create();
  const asks = Array.from({ length: 5 }, (_, i) => ({ ask: {}, id: i }));
  const both = await Promise.all([lines(id, ...asks), lines(id, ...asks)]);
  // Whichever request came first: its lines were answered before the other's.
  const trials = both
    .map((answers) => answers.map((line) => JSON.parse(line)))
    .sort(([a], [b]) => a.trial - b.trial)
    .flat();
  assert.deepEqual(
    trials.map((answer) => answer.id),
    [0, 1, 2, 3, 4, 0, 1, 2, 3, 4],
  );
  assert.deepEqual(
    trials.map(({ trial }) => trial),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test('a specification may be YAML; tuners are listed and removed', async (t) => {
  const { send } = await coordinator(t, join(temporaryFolder(t), 'data'));
  const created = await send('POST', '/api/tuners', stringify(SPEC));
  assert.equal(created.status, 201);
  const { id } = tunerViewSchema.parse(await created.json());
  const listed = async () => tunerListSchema.parse(await (await send('GET', '/api/tuners')).json()).tuners;
  assert.deepEqual(
    (await listed()).map((each) => each.id),
    [id],
  );
  assert.equal((await send('DELETE', `/api/tuners/${id}`)).status, 204);
  assert.deepEqual(await listed(), []);
  for (const method of ['GET', 'DELETE']) assert.equal((await send(method, `/api/tuners/${id}`)).status, 404);
  assert.equal((await send('POST', `/api/tuners/${id}`, '{"ask":{}}')).status, 404);
});

test('a tuner is called by its name where only one has it; lists say how far each is', async (t) => {
  const { send, lines } = await coordinator(t, join(temporaryFolder(t), 'data'));
  const create = async (name: string) =>
    tunerViewSchema.parse(await (await send('POST', '/api/tuners', JSON.stringify({ ...SPEC, name }))).json());
  const { id, name } = await create('my search');
  assert.equal(name, 'my search');
  const path = encodeURIComponent('my search');
  await lines(path, { ask: {} }, { ask: {} }, { tell: { trial: 0, failed: 'it crashed' } });
  const listed = async () => tunerListSchema.parse(await (await send('GET', '/api/tuners')).json()).tuners;
  assert.deepEqual(
    (await listed()).map((each) => [each.id, each.name, each.state, each.trials]),
    [[id, 'my search', 'running', 2]],
  );
  const view = tunerViewSchema.parse(await (await send('GET', `/api/tuners/${path}`)).json());
  assert.deepEqual([view.id, view.trials, view.open[0]?.trial], [id, 2, 1]);
  const other = await create('my search');
  for (const method of ['GET', 'DELETE']) {
    const response = await send(method, `/api/tuners/${path}`);
    assert.equal(response.status, 409);
    const { error } = problemSchema.parse(await response.json());
    assert.match(error, /2 tuners are called "my search": say which by its id/);
    assert.ok(error.includes(id) && error.includes(other.id));
  }
  assert.equal((await listed()).length, 2);
  assert.equal((await send('DELETE', `/api/tuners/${other.id}`)).status, 204);
  assert.equal((await send('DELETE', `/api/tuners/${path}`)).status, 204);
  assert.deepEqual(await listed(), []);
});

test('mistakes are said: in the specification, in a line, in their number', async (t) => {
  const { send, create, lines } = await coordinator(t, join(temporaryFolder(t), 'data'));
  const refused = async (method: string, path: string, body: string, headers?: Record<string, string>) => {
    const response = await send(method, path, body, headers);
    return { status: response.status, ...problemSchema.parse(await response.json()) };
  };
  const wrong = { ...SPEC, objectives: ['minimize latency on desk'], constraints: ['latency <= 30 MB'] };
  assert.match((await refused('POST', '/api/tuners', JSON.stringify(wrong))).issues?.[0]?.message ?? '', /"30 MB"/);
  const { constraints: _, ...unknown } = wrong;
  assert.match((await refused('POST', '/api/tuners', JSON.stringify(unknown))).error, /device "desk" is not one of pi/);
  const endless = await refused('POST', '/api/tuners', JSON.stringify({ ...SPEC, stop: { trials: 10_001 } }));
  assert.equal(endless.status, 400);
  assert.match(endless.error, /stop\.trials: 10001 trials are too many .*10000 at most/);
  assert.match((await refused('POST', '/api/tuners', 'a: [')).error, /the text cannot be read/);
  assert.equal((await refused('POST', '/api/tuners', '')).status, 400);
  const long = stringify({
    space: {
      training: {
        rate: {
          type: 'categorical',
          choices: Array(1001)
            .fill(0)
            .map((_, i) => i),
        },
      },
    },
  });
  assert.deepEqual((await refused('POST', '/api/tuners', long)).issues, [
    { path: 'space.training.rate.choices', message: '1001 choices are too many: 1000 at most', line: 6, column: 9 },
  ]);
  for (const [text, message] of [
    [
      JSON.stringify({ space: { training: { rate: { type: 'categorical', choices: Array(60_000).fill(1) } } } }),
      /more than 5000 values/,
    ],
    ['['.repeat(100_000), /nested more than 50 levels/],
    ['space: &a\n  training: *a\n', /stands within what it repeats/],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`).join('\n')}`,
      /alias/,
    ],
  ] as const) {
    const { status, issues } = await refused('POST', '/api/tuners', text);
    assert.equal(status, 400);
    assert.match(issues?.[0]?.message ?? '', message);
    const study = await refused('POST', '/api/studies', JSON.stringify({ yaml: text }), JSON_TYPE);
    assert.equal(study.status, 400);
    assert.match(study.issues?.[0]?.message ?? '', message);
  }
  const id = await create();
  assert.equal((await refused('POST', `/api/tuners/${id}`, '\n')).status, 400);
  assert.equal((await refused('POST', `/api/tuners/${id}`, '{}\n'.repeat(1001))).status, 413);
  const inherited = JSON.parse('{"__proto__":1}');
  const [bad, told, asked, dropped] = await lines(
    id,
    { hello: 1 },
    { tell: { trial: 5 } },
    { ask: {} },
    { tell: { trial: 0, metrics: inherited } },
  );
  assert.match(bad as string, /write one of/);
  assert.match(told as string, /was not asked/);
  assert.equal(JSON.parse(asked as string).trial, 0);
  assert.match(dropped as string, /metrics\.__proto__: .* cannot be used as a name/);
  const spec = '{"space":{"training":{"__proto__":{"type":"boolean"}}}}';
  assert.match((await refused('POST', '/api/tuners', spec)).issues?.[0]?.message ?? '', /cannot be used as a name/);
});

test('the admin token is asked for', async (t) => {
  const token = 'an-admin-token-of-some-length';
  const { send } = await coordinator(t, join(temporaryFolder(t), 'data'), token);
  assert.equal((await send('GET', '/api/tuners')).status, 401);
  assert.equal((await send('POST', '/api/tuners', JSON.stringify(SPEC))).status, 401);
  assert.equal((await send('GET', '/api/tuners', undefined, { authorization: `Bearer ${token}` })).status, 200);
});
