/** What lies in the model cache: found again, resumed, begun anew, and given up, with a coordinator that the test plays. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import { ModelCache, type ModelCacheOptions } from '../../../agent/session/model-cache.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { selfSigned } from '../../support/tls.ts';
import { Arrival, turn, within } from '../../support/waiting.ts';

const never = new AbortController().signal;
const MODEL = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const SHA256 = sha256Of(MODEL);

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Gives what is asked for, or the part of it. */
const give: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200).end(MODEL.subarray(start));
};

async function cacheWith(t: TestContext, answer: Answer = give, change: Partial<ModelCacheOptions> = {}) {
  const asked: { url: string | undefined; range: string | undefined; authorization: string | undefined }[] = [];
  const port = await listen(
    t,
    createServer((request, response) => {
      const { range, authorization } = request.headers;
      asked.push({ url: request.url, range, authorization });
      answer(request, response, asked.length);
    }),
  );
  const directory = join(temporaryFolder(t), 'models');
  const server = `http://127.0.0.1:${port}`;
  const cache = new ModelCache({
    ...{ directory, server, deviceId: 'd-1', credential: 'secret', maxBytes: 1e6 },
    ...change,
  });
  const get = (signal = never) => within('the model', cache.get(SHA256, MODEL.length, signal));
  const path = join(directory, `${SHA256}.onnx`);
  return { cache, get, asked, directory, path, partial: `${path}.partial` };
}

it('a model is asked for by its name, with the device’s credential, and kept under it', async (t) => {
  const { get, asked, path, directory } = await cacheWith(t, give, { pause: () => assert.fail('there is no need') });
  assert.equal(await get(), path);
  assert.deepEqual(asked, [{ url: `/api/blobs/${SHA256}`, range: undefined, authorization: 'Bearer d-1:secret' }]);
  assert.deepEqual(readFileSync(path), MODEL);
  assert.deepEqual(readdirSync(directory), [`${SHA256}.onnx`]);
});

it('one that is there is not asked for, and counts as used now; one that is too short is', async (t) => {
  const { get, asked, path } = await cacheWith(t);
  writeFileSync(path, MODEL);
  utimesSync(path, new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:00Z'));
  const before = Date.now();
  assert.equal(await get(), path);
  assert.deepEqual(asked, []);
  assert.ok(statSync(path).mtimeMs >= before - 2000);
  writeFileSync(path, MODEL.subarray(0, 999));
  assert.equal(await get(), path);
  assert.equal(asked.length, 1);
  assert.deepEqual(readFileSync(path), MODEL);
});

it('a download is taken up where it broke off, also by the next agent', async (t) => {
  for (const have of [1, 400, 999]) {
    const { get, asked, path, partial } = await cacheWith(t);
    writeFileSync(partial, MODEL.subarray(0, have));
    await get();
    assert.equal(asked[0]?.range, `bytes=${have}-`);
    assert.deepEqual(readFileSync(path), MODEL);
  }
});

it('a download is on the disk before it counts as complete', async (t) => {
  const { get } = await cacheWith(t);
  const flush = t.mock.method(fs, 'fsync');
  await get();
  assert.equal(flush.mock.callCount(), 1);
});

it('what is complete is not downloaded again, and what is too much is from the start', async (t) => {
  const complete = await cacheWith(t);
  writeFileSync(complete.partial, MODEL);
  await complete.get();
  assert.deepEqual(complete.asked, []);
  assert.deepEqual(readFileSync(complete.path), MODEL);
  const longer = await cacheWith(t);
  writeFileSync(longer.partial, Buffer.concat([MODEL, MODEL]));
  await longer.get();
  assert.equal(longer.asked[0]?.range, undefined);
  assert.deepEqual(readFileSync(longer.path), MODEL);
});

it('a coordinator that gives all instead of the rest is believed', async (t) => {
  const { get, path, partial } = await cacheWith(t, (_request, response) => void response.end(MODEL));
  writeFileSync(partial, Buffer.alloc(400, 7));
  await get();
  assert.deepEqual(readFileSync(path), MODEL);
});

it('is tried five times, each time after a longer pause, and then given up with how far it came', async (t) => {
  const pauses: number[] = [];
  const { get, asked, partial } = await cacheWith(t, (_request, response) => void response.end(MODEL.subarray(0, 10)), {
    pause: async (ms) => void pauses.push(ms),
  });
  await assert.rejects(get(), {
    message: `the download of model ${SHA256.slice(0, 12)} broke off at 10 of 1000 bytes`,
  });
  assert.deepEqual(pauses, [100, 200, 400, 800]);
  assert.equal(asked.length, 5);
  assert.ok(existsSync(partial), 'for the next time');
});

it('is not tried again where the coordinator does not give it, or is another', async (t) => {
  const { get, asked } = await cacheWith(t, (_request, response) => void response.writeHead(403).end());
  await assert.rejects(get(), {
    message: `the coordinator did not give model ${SHA256.slice(0, 12)}: HTTP 403`,
    name: 'RefusedDownloadError',
  });
  assert.equal(asked.length, 1);
  let connections = 0;
  const tls = createTlsServer(selfSigned()).on('connection', () => connections++);
  const server = `https://127.0.0.1:${await listen(t, tls)}`;
  const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
  const other = await cacheWith(t, give, { server, pin });
  await assert.rejects(other.get(), WrongKeyError);
  assert.equal(connections, 1);
});

it('ends with the reason of who wants it no more: in the middle of a download, and in a pause', async (t) => {
  const controller = new AbortController();
  const { get } = await cacheWith(t, (_request, response) => {
    response.write(MODEL.subarray(0, 10));
    void turn().then(() => controller.abort(new Error('not needed')));
  });
  await assert.rejects(get(controller.signal), { message: 'not needed' });
  const later = new AbortController();
  const { get: again, asked } = await cacheWith(t, (_request, response) => void response.end(), {
    async pause(_ms, signal) {
      later.abort(new Error('no longer'));
      assert.ok(signal.aborted);
      throw new Error('as a clock does that is stopped');
    },
  });
  await assert.rejects(again(later.signal), { message: 'no longer' });
  assert.equal(asked.length, 1);
});

it('what the coordinator says instead of the model is not waited for', async (t) => {
  const gone = new Arrival('the connection to be given up');
  const { get } = await cacheWith(t, (_request, response) => {
    response.on('close', () => gone.come());
    response.writeHead(500).write('it goes on');
  });
  await assert.rejects(get(), /HTTP 500/);
  await gone.wait();
});

it('what is not what its name says is named and not kept', async (t) => {
  const wrong = Buffer.alloc(1000, 1);
  const { get, directory } = await cacheWith(t, (_request, response) => void response.end(wrong));
  await assert.rejects(get(), {
    message: `the downloaded model has the SHA-256 ${sha256Of(wrong)}, not ${SHA256}: it was damaged on its way or on the coordinator's disk`,
  });
  assert.deepEqual(readdirSync(directory), []);
});

it('room is made by what was used longest ago, and by no more than is needed', async (t) => {
  const { get, directory, path } = await cacheWith(t, give, { maxBytes: 3000 });
  for (const [name, second] of [
    ['b', 3],
    ['c', 1],
    ['a', 2],
  ] as const) {
    writeFileSync(join(directory, name), Buffer.alloc(1000));
    const at = new Date(`2026-01-01T00:00:0${second}Z`);
    utimesSync(join(directory, name), at, at);
  }
  await get();
  assert.deepEqual(readdirSync(directory).sort(), [`${SHA256}.onnx`, 'a', 'b'].sort());
  assert.ok(existsSync(path));
  const roomy = await cacheWith(t, give, { maxBytes: 2000 });
  writeFileSync(join(roomy.directory, 'a'), Buffer.alloc(1000));
  await roomy.get();
  assert.equal(readdirSync(roomy.directory).length, 2, 'it fits exactly');
});

it('its folder is made where there is none, with all above it', (t) => {
  const directory = join(temporaryFolder(t), 'a/b/models');
  const options = { server: 'http://127.0.0.1:9', deviceId: 'd-1', credential: 'x', maxBytes: 1 };
  new ModelCache({ ...options, directory });
  assert.ok(existsSync(directory));
  mkdirSync(join(directory, 'x'));
  new ModelCache({ ...options, directory });
  assert.deepEqual(readdirSync(directory), ['x']);
});
