/** Programs that a test starts. */
import { type SpawnOptions, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { event, PROCESS_S } from './waiting.ts';

/** Runs a program to its end: how it ended and what it said. It has nothing on its standard input. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { seconds = PROCESS_S, ...options }: Pick<SpawnOptions, 'cwd' | 'env'> & { seconds?: number } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const [[code], out, err] = await Promise.all([
      event(`${[command, ...args].join(' ')} to end`, child, 'close', seconds),
      text(child.stdout as Readable),
      text(child.stderr as Readable),
    ]);
    return { code, out, err };
  } finally {
    child.kill('SIGKILL');
  }
}
