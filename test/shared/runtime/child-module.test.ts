import assert from 'node:assert/strict';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { childModuleUrl, execArgvFor, threadEntryFor } from '@edgetune/shared/runtime/child-module.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { event } from '../../support/waiting.ts';

it('finds an entry beside its source, beside its bundle, and from a chunk of the bundle', () => {
  const url = (from: string) => childModuleUrl(from, './child.ts', './child.js').href;
  assert.equal(url('file:///a/training/pool.ts'), 'file:///a/training/child.ts');
  assert.equal(url('file:///a/dist/main.js'), 'file:///a/dist/child.js');
  assert.equal(url('file:///a/dist/chunks/chunk-X.js'), 'file:///a/dist/child.js');
});

it('only sources need flags', () => {
  assert.deepEqual(execArgvFor('file:///a/child.js'), []);
  assert.equal(execArgvFor('file:///a/child.ts')[0], '--import');
});

it('a thread runs TypeScript, and a bundle as it is', async (t) => {
  const folder = temporaryFolder(t, {
    'package.json': '{"type":"module"}',
    'thread.ts':
      "import { parentPort, workerData } from 'node:worker_threads';\nconst n: number = workerData;\nparentPort?.postMessage(n + 1);\n",
  });
  const url = pathToFileURL(`${folder}/thread.ts`);
  const worker = new Worker(threadEntryFor(url), { workerData: 41 });
  const [message] = await event('the answer of the thread', worker, 'message');
  assert.equal(message, 42);
  await worker.terminate();
  const built = new URL('file:///a/thread.js');
  assert.equal(threadEntryFor(built), built);
});
