/** `edgetune profile`: the board profiles that there are, and fitting one's own to measurements. */
import { writeFileSync } from 'node:fs';
import type { BoardProfile, ProfileError } from '@edgetune/shared/costmodel/board-profile.ts';
import { BOARD_PROFILES } from '@edgetune/shared/costmodel/board-profiles.ts';
import { fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { UnsupportedConfigError } from '@edgetune/shared/costmodel/predict.ts';
import type { InputFlags } from '@edgetune/shared/onnx/input-options.ts';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { withInputOptions } from '../model-options.ts';
import { readMeasurementTable } from './measurement-table.ts';
import { PROFILE_NAMES, profileArgument, profileNameFor } from './simulate-options.ts';

function errorText({ latencyMape, estimated, comparedWith }: ProfileError): string {
  if (latencyMape === null) return `unknown (${comparedWith})`;
  return `${(latencyMape * 100).toFixed(1)} %${estimated.includes('latency') ? ' (an estimate)' : ''}`;
}

interface FitOptions extends InputFlags {
  base: BoardProfile;
  measurements: string;
  out: string;
  json?: boolean;
}

function shareText(error: ProfileError, quantity: 'latency' | 'energy' | 'memory', isMeasured: boolean): string {
  const share = error[`${quantity}Mape`];
  if (share === null) return isMeasured ? 'not known' : 'not measured';
  return `${(share * 100).toFixed(1)} %${error.estimated.includes(quantity) ? ' (an estimate)' : ''}`;
}

function fit(options: FitOptions, command: Command): void {
  try {
    const rows = readMeasurementTable(options.measurements, options.base, options);
    const { profile, crossValidated } = fitProfile(options.base, rows, { name: profileNameFor(options.out) });
    writeFileSync(options.out, stringify(profile));
    if (options.json) console.log(JSON.stringify({ out: options.out, rows: rows.length, crossValidated }, null, 2));
    else {
      console.log(`${options.out}: ${options.base.name} fitted to ${rows.length} measurements`);
      console.log(`published error (mean absolute percentage):`);
      const measured = {
        latency: true,
        energy: rows.some(({ netEnergyJ }) => netEnergyJ !== null),
        memory: rows.some(({ memoryBytes }) => memoryBytes !== null),
      };
      for (const quantity of ['latency', 'energy', 'memory'] as const)
        console.log(`  ${quantity.padEnd(7)} ${shareText(crossValidated, quantity, measured[quantity])}`);
      console.log(`  from ${crossValidated.comparedWith}`);
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof UnsupportedConfigError || 'code' in (error as object))
      command.error(`error: ${(error as Error).message}`, { exitCode: 1 });
    throw error;
  }
}

const FIT_HELP = `
Columns of the table (CSV, first line names them): model (path, from the table's folder or from here), threads, batch,
precision, provider, runner, latency_ms (one run of the whole batch), energy_mj (per sample, above idle), memory_bytes. Cells
may be blank: one thread, one sample, the CPU. Ten different architectures are a good start; the error is that of whole input
sizes and families of networks that were left out, so measure two of each at least.

Bases: ${PROFILE_NAMES}, or the path of your own (YAML).

Example:
  edgetune profile fit --base raspberry-pi-5 --measurements table.csv --out mine.yaml`;

/** Adds the command and its sub-commands to the program. */
export function registerProfile(program: Command): void {
  const profile = program.command('profile').description('board profiles of simulated devices');
  profile
    .command('list')
    .description('the profiles that come with EdgeTune, with their published error')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  edgetune profile list')
    .action(({ json }: { json?: boolean }) => {
      const rows = BOARD_PROFILES.map(({ name, board, cores, error }) => ({ name, board, cores, error }));
      if (json) console.log(JSON.stringify(rows, null, 2));
      else
        for (const { name, board, cores, error } of rows)
          console.log(`${name.padEnd(22)} ${board}, ${cores} cores; latency error ${errorText(error)}`);
    });
  profile
    .command('show')
    .description('a profile as YAML, with the source of every figure: a start for your own')
    .argument('<profile>', 'name, or path of a YAML file', profileArgument)
    .addHelpText('after', '\nExample:\n  edgetune profile show raspberry-pi-5 > mine.yaml')
    .action((shown: BoardProfile) => console.log(stringify(shown)));
  withInputOptions(profile.command('fit'))
    .description('fits a profile to measurements of a real board')
    .requiredOption('--base <profile>', 'profile to start from, by name or as a YAML file', profileArgument)
    .requiredOption('--measurements <file>', 'table of measurements (CSV)')
    .requiredOption('--out <file>', 'YAML file to write')
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', FIT_HELP)
    .action((options: FitOptions, command: Command) => fit(options, command));
}
