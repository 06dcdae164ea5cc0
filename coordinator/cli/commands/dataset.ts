/** `edgetune dataset check`: a look at data before anything is trained on them. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type DatasetReport, datasetText } from '@edgetune/shared/domain/dataset-report.ts';
import { partNamed, partsText, unknownPart } from '@edgetune/shared/domain/part.ts';
import { AUTO_FORMAT, type DatasetSpec } from '@edgetune/shared/domain/study.ts';
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { contactSheet } from '../../training/datasets/contact-sheet.ts';
import { lookAtDataset } from '../../training/datasets/process/ask-reader.ts';
import { DatasetError } from '../../training/training-service.ts';
import { renderTable } from '../render/table.ts';
import { EXIT, printJson } from './context.ts';

interface Options {
  format: string;
  workload?: string;
  setting: Record<string, unknown>;
  picture?: string;
  json?: boolean;
}

/** So many classes are listed. */
const SHOWN_CLASSES = 40;

const NOTE = `
Reads the data as a study would, in a process of its own: counts, shapes, what was assumed, what looks wrong, and the hash by which a
study knows them. Needs no coordinator; a study reads paths on the coordinator's machine.

Exit code 0: a study can train on them, warnings or not; 2: they are refused.

Examples:
  edgetune dataset check ./photos --setting imageSize=32 --picture photos.png
  edgetune dataset check reviews.csv --setting labelColumn=stars
  edgetune dataset check ./mnist --format idx --json`;

/** @param parts what a study may name */
export function registerDataset(program: Command, parts: Pick<StudyParts, 'workloads' | 'formats'>): void {
  program
    .command('dataset')
    .description('Look at data before anything is trained on them.')
    .command('check <path>')
    .description('What a folder, a file or a ZIP archive holds, as a study would read it.')
    .option('--format <format>', 'one of those below; otherwise found out', AUTO_FORMAT)
    .option('--workload <workload>', 'that will be trained on them: only formats that it takes are tried')
    .option('--setting <name=value>', 'a setting of the format, repeatable', settingOption, {})
    .option('--picture <file>', 'write samples with their labels as a picture (PNG, or SVG)')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', () => `\n${partsText('Formats', parts.formats)}`)
    .addHelpText('after', NOTE)
    .action((path: string, options: Options, command: Command) => check(path, options, parts, command));
}

/** Values are what YAML would make of them: numbers, true and false, lists, texts. */
function settingOption(text: string, before: Record<string, unknown>): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  return { ...before, [name]: asValue(value) };
}

function asValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.includes(',')) return text.split(',').map((each) => asValue(each.trim()));
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

async function check(
  path: string,
  { format, workload: workloadName, setting, picture, json }: Options,
  { workloads }: Pick<StudyParts, 'workloads'>,
  command: Command,
): Promise<void> {
  const workload = workloadName === undefined ? undefined : partNamed(workloads, workloadName);
  if (workloadName !== undefined && !workload)
    command.error(`error: ${unknownPart('workload', workloadName, workloads)}`, { exitCode: EXIT.usage });
  if (picture !== undefined && !/\.(png|svg)$/i.test(picture))
    command.error(`error: ${picture}: a picture is written as PNG or SVG`, { exitCode: EXIT.usage });
  const dataset: DatasetSpec = { format, path: resolve(path), ...setting };
  try {
    const report = await lookAtDataset(dataset, workload?.takes);
    if (picture !== undefined) await writePicture(picture, report);
    if (json) printJson(report);
    else console.log(rendered(report));
  } catch (error) {
    if (error instanceof DatasetError) command.error(`error: ${error.message}`, { exitCode: EXIT.usage });
    throw error;
  }
}

async function writePicture(file: string, report: DatasetReport): Promise<void> {
  const svg = contactSheet(report);
  if (/\.svg$/i.test(file)) return writeFileSync(file, svg);
  const { drawSvg, drawsText } = await import('../../training/datasets/decode/pictures.ts');
  if (!(await drawsText()))
    console.error('edgetune: no font is installed here, so that the picture has no labels: write an SVG file instead');
  writeFileSync(file, await drawSvg(svg));
}

function rendered(report: DatasetReport): string {
  const { classes, samplesByClass: byClass, shape, range, cut, notices, dataset, sha256 } = report;
  const mark = (split: 'validation' | 'test') => (cut.includes(split) ? `${split} (cut)` : split);
  const rows = classes
    .slice(0, SHOWN_CLASSES)
    .map((name, label) => [
      name,
      ...(['train', 'validation', 'test'] as const).map((split) => String(byClass[split][label] ?? 0)),
    ]);
  const { path: _, ...section } = dataset;
  const yaml = Object.entries({ ...section, path: dataset.path }).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  );
  return [
    datasetText(report),
    `each sample: ${shape}${range === null ? '' : `; in training ${range}`}`,
    `sha256 ${sha256}`,
    '',
    renderTable(['class', 'train', mark('validation'), mark('test')], rows),
    ...(classes.length > SHOWN_CLASSES ? [`… and ${classes.length - SHOWN_CLASSES} classes more: see --json`] : []),
    '',
    ...notices.filter(({ level }) => level === 'warning').map(({ message }) => `warning: ${message}`),
    ...notices.filter(({ level }) => level === 'note').map(({ message }) => `note: ${message}`),
    '',
    `In a study: dataset: {${yaml.join(', ')}}`,
  ].join('\n');
}
