/** Processes that train: what goes wrong with one is told to whoever waits for it, and is no matter of anybody else. */
import assert from 'node:assert/strict';
import { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { ChildPool } from '../../../coordinator/training/child-pool.ts';
import { PROCESS_S, turn, within } from '../../support/waiting.ts';

test('a process that cannot be ended or stopped between two requests ends nobody else', async (t) => {
  const children: ChildProcess[] = [];
  const { spawn } = ChildProcess.prototype as unknown as { spawn: (options: unknown) => number };
  t.mock.method(
    ChildProcess.prototype as never,
    'spawn' as never,
    function (this: ChildProcess, options: unknown) {
      children.push(this);
      return spawn.call(this, options);
    } as never,
  );
  const pool = new ChildPool();
  t.after(() => pool.close());
  await within('a process to answer', pool.run({ type: 'backend' }), PROCESS_S);
  // As `kill` does where it is not permitted.
  assert.ok(children[0]?.emit('error', new Error('kill EPERM')));
});

test('training can stand still also where no shell watches over it', async (t) => {
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  const pool = new ChildPool();
  t.after(() => pool.close());
  process.env.PATH = '/nowhere';
  const goOn = pool.pause();
  // An event that nobody listens to would end this process.
  for (let time = 0; time < 20; time++) await turn();
  assert.equal(pool.pausedMs >= 0, true);
  goOn();
});
