/** The HTTP API over a real coordinator. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { benchModelSchema } from '@edgetune/shared/protocol/bench.ts';
import {
  addDeviceResponseSchema,
  createStudyResponseSchema,
  enrollResponseSchema,
  healthSchema,
  problemSchema,
} from '@edgetune/shared/protocol/http.ts';
import { identityAnswerSchema, openProof, removalAnswerSchema } from '@edgetune/shared/protocol/signed.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { ask } from '../../support/ask.ts';
import { splitModel } from '../../support/brought-models.ts';
import { boardDescription } from '../../support/fleet.ts';
import { proto } from '../../support/protobuf.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tokensModel } from '../../support/tokens-model.ts';
import { event, until } from '../../support/waiting.ts';

const TOKEN = 'an-admin-token-of-some-length';

async function api(t: TestContext, settings: { adminToken?: string } = {}) {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  // A blob from an earlier run.
  const store = openStore(dataDir);
  const model = new TextEncoder().encode('a model of some bytes');
  const sha256 = await store.blobs.put(model);
  store.close();
  const config = loadConfig({ dataDir, port: 0, mqttPort: 0, ...settings }, {});
  const coordinator = await startCoordinator({ config, log: plainLogger(() => {}) });
  t.after(() => coordinator.close());
  const call = (path: string, init: RequestInit = {}) => ask(new URL(path, coordinator.url), init);
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  return { coordinator, call, send, model, sha256 };
}

/** fetch does not let a test choose the Host header. */
async function statusWithHeaders(url: string, headers: Record<string, string>): Promise<number> {
  const request = httpRequest(url, { headers });
  const [response] = await event(`the answer of ${url}`, request.end(), 'response');
  response.resume();
  return response.statusCode;
}

describe('the API', () => {
  it('adds a device, lets its agent join once, renames and removes it', async (t) => {
    const { send, call } = await api(t);
    const added = addDeviceResponseSchema.parse(
      await (await send('POST', '/api/devices', { name: 'kitchen-pi' })).json(),
    );
    assert.match(
      added.command,
      /ONNXRUNTIME_NODE_INSTALL=skip npx --yes http:\/\/localhost:\d+\/agent.tgz run --server http:\/\/localhost:\d+ --token /,
    );
    assert.equal(added.device.presence, 'pending');
    const board = boardDescription();
    const joined = enrollResponseSchema.parse(
      await (await send('POST', '/api/enroll', { token: added.token, board })).json(),
    );
    assert.match(joined.mqttUrl, /^mqtt:\/\/localhost:\d+$/);
    assert.equal(
      (await send('POST', '/api/enroll', { token: added.token, board })).status,
      403,
      'a join token is for one use',
    );
    assert.equal((await send('POST', '/api/devices', { name: 'kitchen-pi' })).status, 409);
    assert.equal((await send('POST', '/api/devices', { name: 'no spaces' })).status, 400);
    assert.equal((await send('PATCH', '/api/devices/kitchen-pi', { name: 'attic-pi' })).status, 200);
    assert.equal((await call('/api/devices/kitchen-pi', { method: 'DELETE' })).status, 404);
    assert.equal((await call('/api/devices/attic-pi', { method: 'DELETE' })).status, 204);
  });

  it('is known by its key to a device that joins, and to one that asks with its own credential', async (t) => {
    const { coordinator, send, call } = await api(t, { adminToken: TOKEN });
    const { token } = await coordinator.fleet.addDevice('pi');
    const answer = await send('POST', '/api/enroll', { token, board: boardDescription() });
    const joined = enrollResponseSchema.parse(await answer.json());
    const asks = (credential: string) =>
      call('/api/enroll', { headers: { authorization: `Bearer ${joined.deviceId}:${credential}` } });
    const { succession, ...known } = identityAnswerSchema.parse(await (await asks(joined.credential)).json());
    assert.deepEqual([known.coordinator, succession], [joined.coordinator, []]);
    assert.equal((await asks('x'.repeat(32))).status, 401);
    assert.equal((await call('/api/enroll', { headers: { authorization: `Bearer ${TOKEN}` } })).status, 401);
    const health = healthSchema.parse(await (await call('/api/health')).json());
    assert.equal(health.coordinator, joined.coordinator?.id);
  });

  it('says, signed, that it has removed a device, and of no other one', async (t) => {
    const { coordinator, send, call } = await api(t, { adminToken: TOKEN });
    const { token } = await coordinator.fleet.addDevice('pi');
    const joined = enrollResponseSchema.parse(
      await (await send('POST', '/api/enroll', { token, board: boardDescription() })).json(),
    );
    const ask = () => call(`/api/enroll/removals/${joined.deviceId}`, { headers: {} });
    assert.equal((await ask()).status, 404, 'it is a member');
    await coordinator.fleet.remove('pi');
    const { proof } = removalAnswerSchema.parse(await (await ask()).json());
    assert.ok(joined.coordinator);
    const { statement } = openProof(joined.coordinator, proof, 'removal');
    assert.deepEqual([statement.deviceId, statement.coordinator], [joined.deviceId, joined.coordinator.id]);
    assert.equal((await call('/api/enroll/removals/d-ffffffffffff')).status, 404);
    assert.equal((await call('/api/enroll/removals/x')).status, 404);
  });

  it('changes no study by a name that several studies have, but removes all of them where that is asked for', async (t) => {
    const { coordinator, send, call } = await api(t);
    await coordinator.fleet.addDevice('pi');
    const dataset = '{format: synthetic-images, classes: 2, samples: 64, imageSize: 8, channels: 1}';
    const yaml = `name: twin\ndataset: ${dataset}\ndevices: [pi]\n`;
    const create = async () =>
      createStudyResponseSchema.parse(await (await send('POST', '/api/studies', { yaml })).json()).study.id;
    const ids = [await create(), await create()];
    for (const [method, path] of [
      ['POST', 'stop'],
      ['POST', 'resume'],
      ['POST', 'devices/pi/leave-out'],
      ['DELETE', ''],
    ] as const) {
      const refused = await call(`/api/studies/twin/${path}`.replace(/\/$/, ''), { method });
      assert.equal(refused.status, 409, path);
      const { error } = problemSchema.parse(await refused.json());
      for (const id of ids) assert.ok(error.includes(id), error);
    }
    assert.equal((await call('/api/studies/twin')).status, 200, 'who reads is given the newest');
    for (const id of ids) assert.equal((await call(`/api/studies/${id}/stop`, { method: 'POST' })).status, 200);
    assert.equal((await send('POST', '/api/studies/twin/extend', { trials: 30 })).status, 409);
    const longer = await send('POST', `/api/studies/${ids[0]}/extend`, { epochs: 9, timeS: 60 });
    assert.match(
      problemSchema.parse(await longer.json()).error,
      /its highest rung trains for 9 epochs already: name more in all, not 9; it has no limit of time/,
    );
    assert.equal((await send('POST', `/api/studies/${ids[0]}/extend`, { trials: 30 })).status, 200);
    assert.equal((await call(`/api/studies/${ids[0]}/stop`, { method: 'POST' })).status, 200);
    assert.equal((await call('/api/studies/twin?all=true', { method: 'DELETE' })).status, 204);
    assert.equal((await call('/api/studies/twin?all=true', { method: 'DELETE' })).status, 404);
  });

  it('gives models in ranges, and says when there is none', async (t) => {
    const { call, model, sha256 } = await api(t);
    const whole = await call(`/api/blobs/${sha256}?name=../evil model.onnx`);
    assert.deepEqual(new Uint8Array(await whole.arrayBuffer()), model);
    assert.match(whole.headers.get('content-disposition') ?? '', /filename="..-evil-model.onnx"/);
    const rest = await call(`/api/blobs/${sha256}`, { headers: { range: 'bytes=5-' } });
    assert.equal(rest.status, 206);
    assert.deepEqual(new Uint8Array(await rest.arrayBuffer()), model.slice(5));
    assert.equal((await call(`/api/blobs/${sha256}`, { headers: { range: 'bytes=900-' } })).status, 416);
    assert.equal((await call(`/api/blobs/${'0'.repeat(64)}`)).status, 404);
    assert.equal((await call('/api/blobs/..%2F..%2Fedgetune.db')).status, 404);
  });

  it('with an admin token, answers only to it; models also to devices with their credential', async (t) => {
    const { coordinator, call, send, sha256 } = await api(t, { adminToken: TOKEN });
    const admin = { authorization: `Bearer ${TOKEN}` };
    assert.equal((await call('/api/health')).status, 200);
    for (const path of ['/api/devices', '/api/studies', '/api/stream', `/api/blobs/${sha256}`])
      assert.equal((await call(path)).status, 401, path);
    assert.equal((await call('/api/devices', { headers: { authorization: 'Bearer wrong' } })).status, 401);
    assert.equal((await call('/api/devices', { headers: admin })).status, 200);
    const { token } = await coordinator.fleet.addDevice('pi');
    const { deviceId, credential } = enrollResponseSchema.parse(
      await (await send('POST', '/api/enroll', { token, board: boardDescription() })).json(),
    );
    assert.equal(
      (await call(`/api/blobs/${sha256}`, { headers: { authorization: `Bearer ${deviceId}:${credential}` } })).status,
      200,
    );
    assert.equal(
      (await call(`/api/blobs/${sha256}`, { headers: { authorization: `Bearer ${deviceId}:guess` } })).status,
      401,
    );
    assert.equal(
      (await call('/api/devices', { headers: { authorization: `Bearer ${deviceId}:${credential}` } })).status,
      401,
    );
  });

  it('refuses other host names (DNS rebinding) and pages of other sites', async (t) => {
    const { coordinator } = await api(t);
    const { host } = new URL(coordinator.url);
    const url = `${coordinator.url.replace('localhost', '127.0.0.1')}/api/health`;
    assert.equal(await statusWithHeaders(url, { host: 'evil.example' }), 421);
    assert.equal(await statusWithHeaders(url, { host, origin: 'http://evil.example' }), 403);
    assert.equal(await statusWithHeaders(url, { host, origin: `http://${host}` }), 200);
  });

  it('answers rubbish with problems, never with its insides', async (t) => {
    const { send, call } = await api(t);
    const answers = [
      await call('/api/nothing'),
      await call('/api/studies', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
      await send('POST', '/api/studies', { yaml: 7 }),
      await send('POST', '/api/studies', { yaml: 'a: [' }),
      await send('POST', '/api/enroll', { token: 'x' }),
      await send('POST', '/api/studies/none/stop', {}),
      await call('/%2e%2e/%2e%2e/package.json'),
      await call('/%zz'),
      await send('POST', '/api/studies', { yaml: 'x'.repeat(3_000_000) }),
    ];
    for (const answer of answers) {
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.url}: ${answer.status}`);
      const text = await answer.text();
      assert.ok(problemSchema.safeParse(JSON.parse(text)).success, text);
      assert.doesNotMatch(text, /node_modules|\.ts:/);
    }
  });

  it('answers a method that a path does not take with those that it takes, as they are documented', async (t) => {
    const { call } = await api(t);
    const { paths } = (await (await call('/api/openapi.json')).json()) as { paths: Record<string, object> };
    for (const [path, operations] of Object.entries(paths)) {
      const response = await call(path.replaceAll(/\{\w+\}/g, 'none'), { method: 'PUT' });
      const documented = Object.keys(operations).map((method) => method.toUpperCase());
      const allowed = response.headers.get('allow')?.split(', ') ?? [];
      assert.equal(response.status, 405, path);
      // "models" could be the id of a bench as well.
      if (path !== '/api/bench/models')
        assert.deepEqual(allowed.filter((method) => method !== 'HEAD').sort(), documented.sort(), path);
      assert.equal(allowed.includes('HEAD'), allowed.includes('GET'), path);
      assert.match(problemSchema.parse(await response.json()).error, /does not take PUT/);
    }
    for (const method of ['GET', 'POST']) assert.equal((await call('/api/nothing', { method })).status, 404);
  });

  it('keeps connections longer than a busy machine stands still', async (t) => {
    const { call } = await api(t);
    assert.equal((await call('/api/health')).headers.get('keep-alive'), 'timeout=30');
  });

  it('takes models to bench, refuses what is none, and lists benches', async (t) => {
    const { call, send, coordinator } = await api(t);
    const upload = (body: Uint8Array) => call('/api/bench/models', { method: 'POST', body });
    const refused = await upload(new TextEncoder().encode('<html>no model</html>'));
    assert.equal(refused.status, 400);
    assert.match(problemSchema.parse(await refused.json()).error, /ONNX|protobuf|file/i);
    assert.equal((await upload(new Uint8Array())).status, 400);
    const accepted = benchModelSchema.parse(await (await upload(tokensModel())).json());
    assert.deepEqual(accepted.openDimensions, ['tokens']);
    await coordinator.fleet.addDevice('pi');
    const { modelSha256 } = accepted;
    const start = await send('POST', '/api/bench', { modelSha256, devices: ['pi'] });
    assert.match(problemSchema.parse(await start.json()).error, /pi has not joined yet/);
    const rates = { kind: 'server', arrivalsPerS: 1, p99BoundMs: 1 };
    const both = await send('POST', '/api/bench', { modelSha256, devices: ['pi'], scenario: rates });
    assert.match(problemSchema.parse(await both.json()).issues?.[0]?.message ?? '', /either arrivalsPerS/);
    assert.deepEqual(await (await call('/api/bench')).json(), { benches: [] });
    for (const [method, path] of [
      ['GET', '/api/bench/b-none'],
      ['DELETE', '/api/bench/b-none'],
      ['POST', '/api/bench/b-none/cancel'],
    ] as const)
      assert.equal((await call(path, { method })).status, 404, path);
  });

  it('takes a model together with the file that holds its weights, and no such model alone', async (t) => {
    const { call, coordinator } = await api(t);
    const { model, data } = splitModel();
    const form = (files: Record<string, Uint8Array>) => {
      const body = new FormData();
      for (const [field, bytes] of Object.entries(files))
        body.append(field, new Blob([bytes.slice()]), field === 'data' ? 'weights.data' : 'm.onnx');
      return call('/api/bench/models', { method: 'POST', body });
    };
    const together = await form({ model, data });
    assert.equal(together.status, 201);
    const { modelSha256, modelBytes } = benchModelSchema.parse(await together.json());
    const kept = new Uint8Array(await (await call(`/api/blobs/${modelSha256}`)).arrayBuffer());
    assert.equal(kept.length, modelBytes);
    assert.deepEqual(readOnnx(kept).initializers.get('w')?.read()?.at(-1), 15);
    for (const [answer, words] of [
      [await form({ model }), /"weights.data" beside it: send both files together/],
      [await call('/api/bench/models', { method: 'POST', body: model.slice() }), /send both files together/],
      [await form({ data }), /the form has no file "model"/],
    ] as const) {
      assert.equal(answer.status, 400);
      assert.match(problemSchema.parse(await answer.json()).error, words);
    }
    assert.ok(coordinator);
  });

  it('refuses a corrupt model with the tensor that is', async (t) => {
    const { call } = await api(t);
    // Its last number ends in the middle: every byte says that one more follows.
    const tensor = proto([1, 1], [2, 7], [7, Uint8Array.of(0xff)], [8, 'keys']);
    const attribute = proto([1, 'keys_tensor'], [5, tensor], [20, 4]);
    const graph = proto(
      [1, proto([2, 'y'], [4, 'Identity'], [1, 'x'], [5, attribute])],
      [11, proto([1, 'x'])],
      [12, proto([1, 'y'])],
    );
    const answer = await call('/api/bench/models', { method: 'POST', body: proto([1, 8], [7, graph]).slice() });
    assert.equal(answer.status, 400);
    assert.match(
      problemSchema.parse(await answer.json()).error,
      /tensor "keys": its data end in the middle of a number/,
    );
  });

  it('streams what changes, from where a client left off', async (t) => {
    const { coordinator, call } = await api(t);
    const response = await call('/api/stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await coordinator.fleet.addDevice('new-one');
    let text = '';
    await until('the new device in the stream', async () => {
      text += new TextDecoder().decode((await reader.read()).value);
      return text.includes('new-one');
    });
    await reader.cancel();
    assert.match(text, /data: \{"type":"device","device":\{/);
  });

  it('sends security headers', async (t) => {
    const { call } = await api(t);
    const { headers } = await call('/api/health');
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  });
});
