/** A coordinator and agents as processes of their own, as people run them; and waits that have a deadline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '../..');

export interface RunningProcess {
  child: ChildProcess;
  /** What it has said so far. */
  output(): string;
  /** Exit code, or the signal that ended it; null: it runs. */
  ended(): string | null;
  /** Asks it to end. @throws {Error} where it has not after so many seconds */
  end(withinS: number): Promise<string>;
}

export function startProcess(bin: string, flags: readonly string[]): RunningProcess {
  const child = spawn(process.execPath, [join(ROOT, bin), ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  const ended = () => (child.exitCode === null ? child.signalCode : String(child.exitCode));
  return {
    child,
    output: () => output,
    ended,
    async end(withinS) {
      child.kill('SIGTERM');
      await until(`${bin} to end`, () => ended() !== null, withinS);
      return ended() as string;
    },
  };
}

/** @throws {Error} where it does not come in so many seconds, or the condition throws */
export async function until(what: string, condition: () => unknown, seconds: number): Promise<void> {
  const endMs = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await sleep(20);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
