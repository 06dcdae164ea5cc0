import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { ModelCache } from '../../../agent/session/model-cache.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function cacheOn(t: TestContext, listener: RequestListener, maxBytes = 1e6) {
  const port = await listen(t, createServer(listener));
  const directory = temporaryFolder(t);
  return {
    directory,
    cache: new ModelCache({
      directory,
      server: `http://127.0.0.1:${port}`,
      deviceId: 'd-000000000001',
      credential: 'secret',
      maxBytes,
    }),
  };
}

describe('the model cache', () => {
  it('resumes a download that broke off, verifies it, and keeps it', async (t) => {
    const model = randomBytes(50_000);
    const ranges: (string | undefined)[] = [];
    const { cache } = await cacheOn(t, (request, response) => {
      ranges.push(request.headers.range);
      assert.equal(request.headers.authorization, 'Bearer d-000000000001:secret');
      if (ranges.length === 1) {
        response.writeHead(200, { 'content-length': model.length });
        response.write(model.subarray(0, 20_000), () => response.destroy());
        return;
      }
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': model.length - start });
      response.end(model.subarray(start));
    });
    const path = await cache.get(sha256(model), model.length, never);
    assert.deepEqual(readFileSync(path), model);
    assert.equal(ranges.length, 2);
    assert.match(ranges[1] ?? 'from the start', /^bytes=[1-9]\d*-$|from the start/);
    await cache.get(sha256(model), model.length, never);
    assert.equal(ranges.length, 2, 'the second time it is there');
  });

  it('refuses content that is not what its name says, and leaves nothing behind', async (t) => {
    const { cache, directory } = await cacheOn(t, (_, response) => response.end(Buffer.alloc(100, 1)));
    await assert.rejects(cache.get('a'.repeat(64), 100, never), /has the SHA-256 [0-9a-f]{64}, not a{64}/);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('says at once when the coordinator does not give the model', async (t) => {
    let requests = 0;
    const { cache } = await cacheOn(t, (_, response) => {
      requests++;
      response.writeHead(404).end();
    });
    await assert.rejects(cache.get('b'.repeat(64), 10, never), /HTTP 404/);
    assert.equal(requests, 1);
  });

  it('drops the models that were unused for longest when it is full', async (t) => {
    const models = [1, 2, 3].map((seed) => Buffer.alloc(400, seed));
    const { cache } = await cacheOn(
      t,
      (request, response) => response.end(models.find((model) => request.url?.endsWith(sha256(model)))),
      1000,
    );
    const paths: string[] = [];
    for (const model of models) paths.push(await cache.get(sha256(model), model.length, never));
    assert.deepEqual(paths.map((path) => existsSync(path)).filter(Boolean).length, 2);
    assert.ok(existsSync(paths[2] as string));
  });
});
