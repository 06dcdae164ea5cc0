/** `edgetune study …`: tuning. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { datasetText } from '@edgetune/shared/domain/dataset-report.ts';
import { earlierText } from '@edgetune/shared/domain/earlier.ts';
import { extensionText } from '@edgetune/shared/domain/study-extension.ts';
import { type Dimension, formatQuantity, parseQuantity } from '@edgetune/shared/domain/units.ts';
import type { StudyDetail, StudySummary } from '@edgetune/shared/protocol/http.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { unzipSync } from 'fflate';
import type { Parts } from '../../parts.ts';
import type { Client } from '../client.ts';
import { studyPartsText } from '../render/parts.ts';
import { StudyProgress } from '../render/progress.ts';
import { renderDevices, renderRecommendation, renderTimeline } from '../render/recommendation.ts';
import { renderTable } from '../render/table.ts';
import { clientOf, EXIT, printJson, type ServerOptions, withServer } from './context.ts';
import { positiveInt } from './simulate-options.ts';

interface Options extends ServerOptions {
  json?: boolean;
}

const ENDED = ['succeeded', 'failed', 'stopped'];
const LOOK_MS = 5000;

/** @param parts what a study may name */
export function registerStudy(program: Command, parts: Parts): void {
  const study = program.command('study').description('Run, watch, stop, resume and export studies.');

  withServer(study.command('run <file>'))
    .description('Start a study written as YAML and follow it to its recommendation; Ctrl-C leaves it running.')
    .option('--detach', 'start it and return at once')
    .option('--json', 'print the study as JSON')
    .addHelpText('after', () => `\n${studyPartsText(parts)}`)
    .addHelpText(
      'after',
      '\nExit code 0: it succeeded; 1: it failed or was stopped; 2: the file has mistakes.\n\nExamples:\n  edgetune study run my-study.yaml\n  edgetune study run my-study.yaml --detach --json',
    )
    .action(async (file: string, options: Options & { detach?: boolean }) => {
      const client = clientOf(options);
      const started = await client.createStudy(readFileSync(file, 'utf8'));
      if (options.detach)
        return options.json
          ? printJson(started)
          : console.log(`study ${started.id} ("${started.name}") is ${started.state}`);
      if (!options.json)
        console.log(`study ${started.id} ("${started.name}"); watch it at ${options.server}/#/studies/${started.id}`);
      await follow(client, started, options);
    });

  withServer(study.command('follow <study>'))
    .description('Follow a running study, by id or name.')
    .action(async (id: string, options: Options) => {
      const client = clientOf(options);
      await follow(client, await newestNamed(client, id), options);
    });

  registerReading(study);

  for (const [name, description] of [
    ['stop', 'Stop a running study; what it did is kept.'],
    [
      'resume',
      'Go on with a stopped or failed study; of one that has succeeded, measure what devices have not measured.',
    ],
  ] as const) {
    withServer(study.command(`${name} <study>`))
      .description(description)
      .action(async (id: string, options: Options) => {
        const client = clientOf(options);
        const summary = await (name === 'stop' ? client.stopStudy(id) : client.resumeStudy(id));
        const why = summary.state === 'stopping' || summary.state === 'waiting' ? summary.reason : null;
        console.log(`study ${summary.id} ("${summary.name}") is ${summary.state}${why === null ? '' : `: ${why}`}`);
      });
  }

  registerExtend(study);
  registerDevices(study);

  withServer(study.command('remove <study>'))
    .description('Delete a study that is not running.')
    .option('--all', 'all of that name, where several have it')
    .action(async (id: string, options: Options & { all?: boolean }) => {
      const client = clientOf(options);
      await client.removeStudy(id, options.all);
      console.log('removed');
    });

  withServer(study.command('export <study>'))
    .description('Write the recommended models, their cards, the recommendation and a report into a folder.')
    .option('--out <folder>', 'where to', 'edgetune-export')
    .addHelpText('after', '\nExample:\n  edgetune study export "my first study" --out ./result')
    .action(async (id: string, options: Options & { out: string }) => {
      const client = clientOf(options);
      const { id: exact } = await newestNamed(client, id);
      for (const path of writeExport(await client.exportStudy(exact), options.out)) console.log(path);
    });
}

/** Who only reads is given the newest of a name, and told that there are others. */
async function newestNamed(client: Client, idOrName: string): Promise<StudyDetail> {
  const [study, { studies }] = [await client.study(idOrName), await client.studies()];
  const others = studies.filter(({ id, name }) => name === idOrName && id !== study.id);
  if (study.id !== idOrName && others.length > 0)
    console.error(
      `${others.length + 1} studies are named "${idOrName}": this is the newest, ${study.id}; the others are ${others.map(({ id }) => id).join(', ')}`,
    );
  return study;
}

function registerReading(study: Command): void {
  withServer(study.command('list'))
    .description('All studies, newest first.')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const { studies, setAside } = await clientOf(options).studies();
      for (const { id, name, reason } of setAside) console.error(`study ${id} ("${name}") cannot be read: ${reason}`);
      if (options.json) return printJson(studies);
      if (studies.length === 0)
        return console.log('There are no studies: start one with "edgetune study run my-study.yaml".');
      const rows = studies.map(({ id, name, state, trials, bestAccuracy, createdAt }) => [
        id,
        name,
        state,
        `${trials.started}/${trials.planned}`,
        bestAccuracy === null ? '–' : formatQuantity(bestAccuracy, 'ratio'),
        createdAt,
      ]);
      console.log(renderTable(['id', 'name', 'state', 'trials', 'best accuracy', 'started'], rows));
    });

  withServer(study.command('show <study>'))
    .description('A study by id or name, with its recommendation.')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Options) => {
      const detail = await newestNamed(clientOf(options), id);
      if (options.json) return printJson(detail);
      console.log(
        `${detail.id}  "${detail.name}"  ${detail.state}${detail.reason ? `: ${detail.reason}` : ''}  (${Math.round(detail.progress * 100)} %)`,
      );
      if (detail.data) console.log(datasetText(detail.data));
      if (detail.earlier) console.log(earlierText(detail.earlier));
      for (const extension of detail.extensions) console.log(extensionText(extension));
      for (const warning of detail.warnings) console.log(`warning: ${warning}`);
      if (detail.deviceViews.some(({ reason }) => reason !== null)) console.log(`\n${renderDevices(detail)}`);
      console.log(`\n${renderRecommendation(detail)}\n\n${renderTimeline(detail)}`);
    });
}

interface ExtendOptions {
  trials?: number;
  epochs?: number;
  time?: number;
  energy?: number;
  device?: string[];
}

function quantity(dimension: Dimension): (text: string) => number {
  return (text) => {
    try {
      return parseQuantity(text, dimension);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

function registerExtend(study: Command): void {
  const several = (name: string, before: string[] = []) => [...before, name];
  withServer(study.command('extend <study>'))
    .description(
      'Let a study that has succeeded or was stopped go on: more trials, epochs, time, energy or devices; it recommends anew.',
    )
    .option('--trials <n>', 'how many it may start in all', positiveInt)
    .option('--epochs <n>', 'of its highest rung, above the rungs that it has', positiveInt)
    .option('--time <time>', 'how much it may take in all, where its stop has timeS, such as "2 h"', quantity('time'))
    .option('--energy <energy>', 'likewise, where its stop has energyJ, such as "50 kJ"', quantity('energy'))
    .option('--device <name>', 'a device of the fleet that it has not yet; may be given several times', several)
    .addHelpText(
      'after',
      '\nA device that is added is asked about what was tried before; models that were recommended are measured on it, and trained no more.\nWith more epochs the best of what was the highest rung go on, and models that were recommended are trained on from their checkpoints; where\nthese were let go, from the beginning, and it is said.\nWhat it has taken counts: trials, time and energy are in all.\n\nExamples:\n  edgetune study extend "my first study" --trials 40\n  edgetune study extend "my first study" --device workshop-orin\n  edgetune study extend "my first study" --epochs 27 --time 2h',
    )
    .action(async (id: string, options: Options & ExtendOptions) => {
      const { trials, epochs, time: timeMs, energy: energyJ, device: devices } = options;
      const client = clientOf(options);
      const timeS = timeMs === undefined ? undefined : timeMs / 1000;
      const summary = await client.extendStudy(id, { trials, epochs, timeS, energyJ, devices });
      console.log(
        `study ${summary.id} ("${summary.name}") is ${summary.state}; follow it: edgetune study follow ${summary.id}`,
      );
    });
}

/** What a person can do about a device of a study that is in trouble. */
function registerDevices(study: Command): void {
  withServer(study.command('leave-out <study> <device>'))
    .description('Go on without a device: nothing waits for it, and what it has said counts no longer.')
    .action(async (id: string, device: string, options: Options) => {
      const client = clientOf(options);
      printDevices(await client.leaveOut(id, device));
    });

  withServer(study.command('replace <study> <device> <by>'))
    .description('Use another device of the fleet in the place of one: it is measured under that name from now on.')
    .addHelpText('after', '\nExample:\n  edgetune study replace "my first study" kitchen-pi pi-2')
    .action(async (id: string, device: string, by: string, options: Options) => {
      const client = clientOf(options);
      printDevices(await client.replaceDevice(id, device, by));
    });
}

function printDevices(study: StudyDetail): void {
  console.log(renderDevices(study));
  if (study.state === 'succeeded' && study.unmeasured.length > 0)
    console.log(`\nmeasure the rest with: edgetune study resume ${study.id}`);
}

/**
 * Unpacks an export into a folder and returns the paths written.
 * @throws {Error} before anything is written, where a file would lie outside of the folder
 */
export function writeExport(zip: Uint8Array, folder: string): string[] {
  const root = resolve(folder);
  const files = Object.entries(unzipSync(zip)).map(([name, bytes]) => ({ name, path: resolve(root, name), bytes }));
  for (const { name, path } of files) {
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new Error(`the export was not unpacked: its file "${name}" would lie outside of ${root}`);
  }
  return files.map(({ path, bytes }) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return path;
  });
}

async function follow(
  client: Client,
  { id, trials }: Pick<StudySummary, 'id' | 'trials'>,
  { json }: Options,
): Promise<void> {
  const controller = new AbortController();
  const leave = () => {
    console.error(`\nthe study goes on; see it again with: edgetune study follow ${id}`);
    process.exit(0);
  };
  process.once('SIGINT', leave);
  // With --json only the result goes to standard output.
  const progress = new StudyProgress(json ? { write: () => true } : process.stdout, trials.planned);
  void sayWaiting(client, id, progress, controller.signal);
  for await (const event of client.followStudy(id, controller.signal)) {
    progress.show(event);
    // A resumed study has ended before: what it is now counts.
    const seemsOver = event.body.type === 'study-state' && ENDED.includes(event.body.state);
    if (seemsOver && ENDED.includes((await client.study(id)).state)) break;
  }
  controller.abort();
  progress.end();
  process.off('SIGINT', leave);
  const detail = await client.study(id);
  if (json) printJson(detail);
  else console.log(`\n${renderRecommendation(detail)}\n\n${renderTimeline(detail)}`);
  if (detail.state !== 'succeeded') process.exitCode = EXIT.failed;
}

/** A study that waits for the coordinator's disk has no event that says so: it is looked at now and then. */
async function sayWaiting(client: Client, id: string, progress: StudyProgress, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(LOOK_MS, undefined, { signal, ref: false });
      const study = (await client.studies()).studies.find((each) => each.id === id);
      if (study?.state === 'waiting' && study.reason !== null) progress.waits(study.reason);
    } catch {
      // Whoever follows the study says what is wrong with the coordinator.
    }
  }
}
