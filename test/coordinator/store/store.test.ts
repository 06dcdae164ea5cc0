import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { openStore } from '../../../coordinator/store/store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { event, PROCESS_S } from '../../support/waiting.ts';

const WRITER = join(import.meta.dirname, 'writing-child.ts');

/** Starts a process that opens the store, writes events, jobs and blobs, and prints the name of each when it is done. */
function startWriter(directory: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface({ input: child.stdout }) };
}

test('what a process was told is stored is there after it was killed, and its lock is free', async (t) => {
  const directory = temporaryFolder(t);
  const acknowledged: string[] = [];
  const { child, lines } = startWriter(directory);
  const exited = event('the killed writer to end', child, 'exit', PROCESS_S);
  const ended = event('the end of its lines', lines, 'close', PROCESS_S);
  lines.on('line', (line) => {
    acknowledged.push(line);
    if (acknowledged.length === 200) child.kill('SIGKILL');
  });
  assert.equal((await exited)[1], 'SIGKILL');
  await ended;
  const store = openStore(directory);
  t.after(() => store.close());
  const messages = new Set(store.studies.events('s-1').map(({ body }) => (body as { message: string }).message));
  assert.ok(acknowledged.length >= 200);
  for (const name of acknowledged)
    if (name.length === 64) assert.ok((await store.blobs.get(name)).length > 0);
    else if (name.startsWith('j-')) assert.equal(store.jobs.get(name)?.state, 'running', name);
    else assert.ok(messages.has(name), name);
});

test('a second coordinator on the same data directory is refused and told which process holds it', async (t) => {
  const directory = temporaryFolder(t);
  const { child, lines } = startWriter(directory);
  const exited = event('the writer to end', child, 'exit');
  await event('the writer to have the store open', lines, 'line');
  assert.throws(
    () => openStore(directory),
    new RegExp(`another coordinator \\(process ${child.pid}\\) uses the data directory`),
  );
  child.kill('SIGKILL');
  await exited;
  openStore(directory).close();
});

test('within one process too, the directory is free again only after close', (t) => {
  const directory = temporaryFolder(t);
  const store = openStore(directory);
  assert.throws(() => openStore(directory), /another coordinator/);
  store.close();
  openStore(directory).close();
});

test('a data directory that cannot be made is named', (t) => {
  const directory = temporaryFolder(t);
  writeFileSync(join(directory, 'file'), '');
  assert.throws(() => openStore(join(directory, 'file', 'data')), /file/);
});

test('a store that could not be opened leaves no lock behind', (t) => {
  const directory = temporaryFolder(t);
  mkdirSync(join(directory, 'edgetune.db'));
  assert.throws(() => openStore(directory), /edgetune\.db/);
  rmSync(join(directory, 'edgetune.db'), { recursive: true });
  writeFileSync(join(directory, 'blobs'), '');
  assert.throws(() => openStore(directory), /blobs/);
  rmSync(join(directory, 'blobs'));
  openStore(directory).close();
});
