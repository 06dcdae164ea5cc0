import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openBlobDirectory } from '../../../coordinator/store/blob-directory.ts';
import { explainWriteError } from '../../../coordinator/store/write-error.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const HOUR_MS = 3_600_000;

test('any bytes come back under their SHA-256, also after the directory was opened again', async (t) => {
  const directory = temporaryFolder(t);
  const blobs = openBlobDirectory(directory, { quotaBytes: 1e9 });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
      const name = await blobs.put(bytes);
      assert.equal(name, sha256(bytes));
      assert.deepEqual(new Uint8Array(await blobs.get(name)), bytes);
      const again = openBlobDirectory(directory, { quotaBytes: 1e9 });
      assert.ok(again.has(name));
      assert.equal(statSync(again.path(name) as string).size, bytes.length);
    }),
    { numRuns: 20 },
  );
});

test('the same content is written once, also when it is put twice at the same time', async (t) => {
  const directory = temporaryFolder(t);
  const blobs = openBlobDirectory(directory, { quotaBytes: 150 });
  const bytes = new Uint8Array(100).fill(7);
  const names = await Promise.all([blobs.put(bytes), blobs.put(bytes), blobs.put(bytes)]);
  assert.deepEqual(new Set(names), new Set([sha256(bytes)]));
  await blobs.put(bytes);
  await blobs.put(new Uint8Array(50));
  assert.deepEqual(readdirSync(join(directory, 'incoming')), []);
});

test('a blob that is not there, and one that is damaged, are told apart', async (t) => {
  const blobs = openBlobDirectory(temporaryFolder(t), { quotaBytes: 1e6 });
  const name = await blobs.put(bytesOf('model'));
  await assert.rejects(blobs.get('0'.repeat(64)), /is not in .*never stored/);
  assert.equal(blobs.path('0'.repeat(64)), null);
  writeFileSync(blobs.path(name) as string, 'damaged');
  await assert.rejects(blobs.get(name), /is damaged/);
});

test('above the quota nothing is stored and the error names it; a clean-up makes room, oldest first', async (t) => {
  let nowMs = 0;
  const blobs = openBlobDirectory(temporaryFolder(t), { quotaBytes: 1000, now: () => nowMs });
  const names: string[] = [];
  for (let index = 0; index < 5; index++) {
    names.push(await blobs.put(new Uint8Array(200).fill(index)));
    nowMs += HOUR_MS;
  }
  await assert.rejects(blobs.put(bytesOf('x')), /quota .* is reached: 1 kB of 1 kB .*raise the quota/);
  assert.equal(await blobs.collect(new Set(names)), 0, 'what is in use stays, whatever the quota says');
  assert.equal(await blobs.collect(new Set([names[0] as string])), 200);
  assert.deepEqual(
    names.map((name) => blobs.has(name)),
    [true, false, true, true, true],
  );
  await blobs.put(bytesOf('x'));
});

test('a clean-up leaves alone what was put a moment ago: nothing may name it yet', async (t) => {
  let nowMs = 0;
  const blobs = openBlobDirectory(temporaryFolder(t), { quotaBytes: 100, now: () => nowMs });
  const name = await blobs.put(new Uint8Array(100));
  assert.equal(await blobs.collect(new Set()), 0);
  nowMs = HOUR_MS;
  await blobs.put(new Uint8Array(100));
  assert.equal(await blobs.collect(new Set()), 0, 'put again, hence young again');
  nowMs = 2 * HOUR_MS;
  assert.equal(await blobs.collect(new Set()), 100);
  assert.equal(blobs.has(name), false);
});

test('what a killed process left half written is no blob and is cleared', async (t) => {
  const directory = temporaryFolder(t);
  openBlobDirectory(directory, { quotaBytes: 100 });
  writeFileSync(join(directory, 'incoming', 'half'), new Uint8Array(100));
  const blobs = openBlobDirectory(directory, { quotaBytes: 100 });
  await blobs.put(new Uint8Array(100));
  assert.deepEqual(readdirSync(join(directory, 'incoming')), []);
});

test('errors of a full or forbidden disk say what to do; others pass unchanged', () => {
  const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
  assert.match((explainWriteError(full, '/data') as Error).message, /the disk is full: \/data .*Free some space/);
  const wrapped = new Error('query failed', { cause: Object.assign(new Error('x'), { code: 'SQLITE_FULL' }) });
  assert.match((explainWriteError(wrapped, '/data') as Error).message, /the disk is full/);
  const forbidden = Object.assign(new Error('mkdir'), { code: 'EACCES' });
  assert.match((explainWriteError(forbidden, '/data') as Error).message, /\/data may not be written: .*permissions/);
  const other = new Error('other');
  assert.equal(explainWriteError(other, '/data'), other);
});
