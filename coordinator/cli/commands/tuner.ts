/** `edgetune tuner`: ask and tell on standard input and output, without coordinator or fleet. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Command, InvalidArgumentError } from 'commander';
import { parseTunerSpec } from '../../ask-tell/parse-tuner-spec.ts';
import { createTunerSession, type TunerSession } from '../../ask-tell/tuner-session.ts';
import type { Parts } from '../../parts.ts';
import { metricsText, tunerPartsText } from '../render/parts.ts';

const EXAMPLES = `
One JSON message a line, one answer a line:
  {"ask":{}}                                       → {"trial":0,"rung":0,"candidate":{…},"budget":{…}} or {"nothing":"now"}
  {"tell":{"trial":0,"rung":0,"metrics":{"accuracy":0.91},"cost":{"seconds":12}}} → {"ok":true}
  {"tell":{"trial":1,"rung":0,"failed":"out of memory"}}                          → {"ok":true}
  {"best":{}}, {"front":{}}                        → what was found so far

Example:
  edgetune tuner --spec study.yaml < requests.jsonl

docs/tuner-protocol.md has the whole protocol and a Python example.`;

/** Adds the command to the program. @param parts what a specification may name */
export function registerTuner(program: Command, parts: Parts): void {
  program
    .command('tuner')
    .description('drive the tuner from a program in any language: JSON lines on standard input and output')
    .requiredOption(
      '--spec <file>',
      'study file (YAML); its space, objectives, constraints, budget, tuner and stop count',
      (file: string) => sessionOf(file, parts),
    )
    .addHelpText(
      'after',
      () =>
        `\n${tunerPartsText(parts)}\n\n${metricsText()}\n\nOther metrics are the program's own: say "minimize" or "maximize".\n${EXAMPLES}`,
    )
    .action(async ({ spec }: { spec: TunerSession }) => {
      for await (const line of createInterface({ input: process.stdin }))
        if (line.trim() !== '') process.stdout.write(`${spec.answer(line)}\n`);
    });
}

/** @throws {InvalidArgumentError} with every mistake in the file. */
function sessionOf(file: string, parts: Parts): TunerSession {
  try {
    return createTunerSession(parseTunerSpec(readFileSync(file, 'utf8'), parts), { parts });
  } catch (error) {
    throw new InvalidArgumentError(`${file}: ${(error as Error).message}`);
  }
}
