/** The Python side-car as a child of the measuring process: one command at a time, one answer each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childModuleUrl } from '@edgetune/shared/runtime/child-module.ts';
import { z } from 'zod';
import { onnxruntimeError } from '../runner.ts';

/** The script, in a checkout and in the installed agent. */
export function sideCarScript(): string {
  return fileURLToPath(childModuleUrl(import.meta.url, './side_car.py', './python/side_car.py'));
}

/** Python of the board, which has onnxruntime and numpy; another one by EDGETUNE_AGENT_PYTHON. */
export function pythonInterpreter(): string {
  return process.env.EDGETUNE_AGENT_PYTHON || 'python3';
}

const answerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('started') }),
  z.object({
    type: z.literal('loaded'),
    inputs: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        /** Unnamed dynamic dimensions are null in Python. */
        shape: z.array(z.union([z.number(), z.string(), z.null().transform(() => '')])),
      }),
    ),
  }),
  z.object({ type: z.literal('fed') }),
  z.object({
    type: z.literal('ran'),
    durationsMs: z.array(z.number().positive()).min(1),
    outputRows: z.int().nullable(),
  }),
  z.object({
    type: z.literal('usage'),
    cpuSeconds: z.number(),
    peakMemoryBytes: z.number().nullable(),
    processPeakMemoryBytes: z.number().nullable(),
  }),
  z.object({ type: z.literal('failed'), message: z.string() }),
]);
type Answer = z.infer<typeof answerSchema>;
type AnswerOf<Type extends Answer['type']> = Extract<Answer, { type: Type }>;

interface Waiting {
  resolve: (line: string) => void;
  reject: (error: Error) => void;
}

export class SideCar {
  readonly #child: ChildProcess;
  #waiting: Waiting | null = null;
  #end: Error | null = null;
  #text = '';

  constructor(python = pythonInterpreter()) {
    // Without writing byte code beside the script: the board is left as it was found.
    this.#child = spawn(python, ['-B', sideCarScript()], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#hear(chunk));
    this.#child.on('error', (error) => this.#ended(`${python} could not be started: ${error.message}`));
    this.#child.on('exit', (code, signal) =>
      this.#ended(`the Python side-car ended ${signal === null ? `with code ${code}` : `by ${signal}`}`),
    );
    // What cannot be written to a process that has ended is told by its end.
    this.#child.stdin?.on('error', () => {});
  }

  /** @throws {Error} where the command fails, the answer is another, or the process ends */
  async ask<Type extends Answer['type']>(
    type: Type,
    command: { do: string; [field: string]: unknown },
  ): Promise<AnswerOf<Type>> {
    const line = await new Promise<string>((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      this.#waiting = { resolve, reject };
      this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    });
    const answer = answerSchema.parse(JSON.parse(line));
    if (answer.type === 'failed') throw onnxruntimeError(answer.message);
    if (answer.type !== type) throw new Error(`the Python side-car answered "${answer.type}", not "${type}"`);
    return answer as AnswerOf<Type>;
  }

  #hear(chunk: string): void {
    this.#text += chunk;
    const end = this.#text.indexOf('\n');
    if (end < 0) return;
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(line);
  }

  #ended(how: string): void {
    this.#end ??= new Error(how);
    this.#waiting?.reject(this.#end);
    this.#waiting = null;
  }
}
