/** `edgetune tuner`: ask and tell on standard input and output, without coordinator or fleet; and those of a coordinator. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { TunerView } from '@edgetune/shared/protocol/tuner-lines.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { parseTunerSpec } from '../../ask-tell/parse-tuner-spec.ts';
import { createTunerSession, type TunerSession } from '../../ask-tell/tuner-session.ts';
import type { Parts } from '../../parts.ts';
import { metricsText, tunerPartsText } from '../render/parts.ts';
import { renderTable } from '../render/table.ts';
import { clientOf, EXIT, printJson, type ServerOptions, withServer } from './context.ts';

const EXAMPLES = `
One JSON message a line, one answer a line:
  {"ask":{}}                                       → {"trial":0,"rung":0,"candidate":{…},"budget":{…}} or {"nothing":"now"}
  {"tell":{"trial":0,"rung":0,"metrics":{"accuracy":0.91},"cost":{"seconds":12}}} → {"ok":true}
  {"tell":{"trial":1,"rung":0,"failed":"out of memory"}}                          → {"ok":true}
  {"amend":{"trial":0,"rung":0,"metrics":{"latency.p99@pi":12}}}                  → {"ok":true}, what was missing in its tell
  {"progress":{"trial":0,"rung":0}}                                               → {"ok":true}, renews the job's lease
  {"best":{}}, {"front":{}}                        → what was found so far

Example:
  edgetune tuner --spec study.yaml < requests.jsonl

docs/tuner-protocol.md has the whole protocol and a Python example.`;

/** Adds the command to the program. @param parts what a specification may name */
export function registerTuner(program: Command, parts: Parts): void {
  const tuner = program
    .command('tuner')
    .description(
      'drive the tuner from a program in any language: JSON lines on standard input and output; list, show and remove those of a coordinator',
    )
    .option(
      '--spec <file>',
      'study file (YAML); its space, objectives, constraints, budget, tuner and stop count',
      (file: string) => sessionOf(file, parts),
    )
    .addHelpText(
      'after',
      () =>
        `\n${tunerPartsText(parts)}\n\n${metricsText()}\n\nOther metrics are the program's own: say "minimize" or "maximize".\n${EXAMPLES}`,
    )
    .action(async ({ spec }: { spec?: TunerSession }, command: Command) => {
      if (!spec)
        command.error(
          'error: say which search with --spec FILE, or "edgetune tuner list", "show" or "remove" for those of a coordinator',
          { exitCode: EXIT.usage },
        );
      for await (const line of createInterface({ input: process.stdin }))
        if (line.trim() !== '') process.stdout.write(`${spec.answer(line)}\n`);
    });
  registerRemote(tuner);
}

interface Options extends ServerOptions {
  json?: boolean;
}

/** Those of a coordinator: programs drive them over HTTP. */
function registerRemote(tuner: Command): void {
  withServer(tuner.command('list'))
    .description('The tuners of a coordinator, newest first.')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const tuners = await clientOf(options).tuners();
      if (options.json) return printJson(tuners);
      const rows = tuners.map(({ id, name, state, trials, createdAt }) => [
        id,
        name ?? '–',
        state,
        String(trials),
        createdAt,
      ]);
      console.log(renderTable(['id', 'name', 'state', 'trials', 'created'], rows));
    });
  withServer(tuner.command('show <tuner>'))
    .description('A tuner of a coordinator, by its id or a name that only one has: its jobs and what it waits for.')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      const view = await clientOf(options).tuner(id);
      if (options.json) printJson(view);
      else console.log(describe(view));
    });
  withServer(tuner.command('remove <tuner>'))
    .description('Delete a tuner of a coordinator and all that it was told, by its id or a name that only one has.')
    .action(async (id: string, options: Options) => {
      await clientOf(options).removeTuner(id);
      console.log('removed');
    });
}

function describe({ id, name, state, trials, open, undecided }: TunerView): string {
  const jobs = open.map(({ trial, rung, budget, leaseUntil, again }) => [
    String(trial),
    String(rung),
    String(budget.epochs),
    leaseUntil ?? 'for ever',
    again === undefined ? '' : `given again ${again}×`,
  ]);
  const missing = undecided.map(({ trial, rung, missing }) => [String(trial), String(rung), missing.join(', ')]);
  return [
    `tuner ${id}${name === null ? '' : ` ("${name}")`} is ${state}: ${trials} trials`,
    ...(jobs.length > 0
      ? ['', 'Asked and not told:', renderTable(['trial', 'rung', 'epochs', 'lease', ''], jobs)]
      : []),
    ...(missing.length > 0
      ? ['', 'Whether these meet the constraints is not known:', renderTable(['trial', 'rung', 'missing'], missing)]
      : []),
  ].join('\n');
}

/** @throws {InvalidArgumentError} with every mistake in the file. */
function sessionOf(file: string, parts: Parts): TunerSession {
  try {
    return createTunerSession(parseTunerSpec(readFileSync(file, 'utf8'), parts), { parts });
  } catch (error) {
    throw new InvalidArgumentError(`${file}: ${(error as Error).message}`);
  }
}
