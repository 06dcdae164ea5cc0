/** One test file in a process group of its own, ended at its first failing test or when its time is over. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const failureSchema = z.object({
  test: z.string(),
  isAssertion: z.boolean(),
  isTimeout: z.boolean(),
  message: z.string(),
});

export type TestFailure = z.infer<typeof failureSchema>;

/** `failed` by a test of it, or as a whole (`test` is then empty); `stopped` by the caller. */
export type FileOutcome =
  | { kind: 'passed'; tookMs: number }
  | { kind: 'failed'; failure: TestFailure; output: string }
  | { kind: 'timed out' }
  | { kind: 'stopped' };

export interface FileRun {
  /** Root of the project: the working folder. */
  root: string;
  /** The test file, from the root. */
  file: string;
  /** Added to this process's environment. */
  environment: Readonly<Record<string, string>>;
  limitMs: number;
  signal: AbortSignal;
}

/** Output that is still held open so long after the process has ended is held by something that left its group. */
const OUTPUT_END_MS = 2000;

/** What is kept of a failing file's output, for a person. */
const OUTPUT_LINES = 40;

export function runTestFile({ root, file, environment, limitMs, signal }: FileRun): Promise<FileOutcome> {
  const reporter = new URL('./failure-reporter.js', import.meta.url).href;
  const imports = [import.meta.resolve('tsx'), new URL('./assert-ok.js', import.meta.url).href];
  const flags = [...imports.flatMap((url) => ['--import', url]), `--test-reporter=${reporter}`];
  // Under node:test itself a test process would report to its parent, in another format.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, [...flags, file], {
    cwd: root,
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const streams = [child.stdout, child.stderr];
  return new Promise((resolve, reject) => {
    let outcome: FileOutcome | null = null;
    const output: string[] = [];
    const end = (result: FileOutcome) => {
      outcome ??= result;
      killGroup(child.pid);
    };
    let closing: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => end({ kind: 'timed out' }), limitMs);
    const stop = () => end({ kind: 'stopped' });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const onLine = (line: string) => {
      if (!line.startsWith('@failure ')) {
        if (line !== '') output.push(line);
        output.splice(0, output.length - OUTPUT_LINES);
        return;
      }
      const failure = failureSchema.parse(JSON.parse(line.slice('@failure '.length)));
      end(failure.isTimeout ? { kind: 'timed out' } : { kind: 'failed', failure, output: output.join('\n') });
    };
    for (const stream of streams) createInterface({ input: stream }).on('line', onLine);
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(timer);
      killGroup(child.pid);
      closing = setTimeout(() => {
        for (const stream of streams) stream.destroy();
      }, OUTPUT_END_MS);
    });
    child.on('close', (code, killedBy) => {
      clearTimeout(closing);
      signal.removeEventListener('abort', stop);
      const message = `the file ends with ${killedBy ?? `exit code ${code}`}`;
      const failure = { test: '', isAssertion: false, isTimeout: false, message };
      const ended: FileOutcome =
        code === 0
          ? { kind: 'passed', tookMs: performance.now() - began }
          : { kind: 'failed', failure, output: output.join('\n') };
      resolve(outcome ?? ended);
    });
  });
}

/** Whatever the process has started and left behind is in its group. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
