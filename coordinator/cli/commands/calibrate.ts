/** `edgetune device calibrate`: fits a board profile to a device, to simulate it where it is not. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BoardProfile, parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { CalibrationView } from '@edgetune/shared/protocol/calibration.ts';
import type { Command } from 'commander';
import type { Client } from '../client.ts';
import { renderTable } from '../render/table.ts';
import { clientOf, EXIT, printJson, type ServerOptions, sayWaiting, withServer } from './context.ts';
import { PROFILE_NAMES, positiveInt, profileArgument, profileNameFor } from './simulate-options.ts';

interface Options extends ServerOptions {
  as: BoardProfile;
  out?: string;
  architectures: number;
  json?: boolean;
}

const POLL_MS = 300;
const HELP = `
Measures about ten small architectures, chosen so that they tell the most of the board, on one thread. The profile's error
is that of whole input sizes and families of networks that were left out; the profile says so, and of how many.

Profiles: ${PROFILE_NAMES}, or the path of your own (YAML).

Example:
  edgetune device calibrate kitchen-pi --as raspberry-pi-5 --out mine.yaml`;

/** Adds the command to `edgetune device`. */
export function registerCalibrate(device: Command): void {
  withServer(device.command('calibrate <device>'))
    .description('Fit a board profile to a device by measuring a few architectures on it.')
    .requiredOption('--as <profile>', 'profile to start from, by name or as a YAML file', profileArgument)
    .option('--out <file>', 'YAML file to write (default: the name of the device)')
    .option('--architectures <count>', 'how many are measured', positiveInt, 10)
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', HELP)
    .action(async (name: string, options: Options, command: Command) => {
      const out = options.out ?? `${name}.yaml`;
      const view = await run(clientOf(options), name, out, options);
      if (view.profileYaml === null)
        command.error(`error: ${name} was not calibrated: ${view.reason ?? view.state}`, { exitCode: EXIT.failed });
      writeFileSync(out, view.profileYaml);
      if (options.json) printJson({ out, ...view });
      else console.log(describe(view, out));
    });
}

async function run(client: Client, device: string, out: string, options: Options): Promise<CalibrationView> {
  const { as: base, architectures } = options;
  let view = await client.startCalibration({ device, base, name: profileNameFor(out), architectures });
  const interrupt = () =>
    void client.cancelCalibration(view.id).catch((error: Error) => console.error(`edgetune: ${error.message}`));
  process.once('SIGINT', interrupt);
  try {
    const waits = sayWaiting('the calibration');
    for (let known = -1; view.state === 'running'; ) {
      waits(view.reason);
      if (view.rows.length !== known) console.error(`${view.rows.length} of ${view.planned} architectures measured …`);
      known = view.rows.length;
      await sleep(POLL_MS);
      view = await client.calibration(view.id);
    }
  } finally {
    process.off('SIGINT', interrupt);
  }
  return view;
}

function describe(
  { device, base, rows, crossValidated, simulated, profileYaml }: CalibrationView,
  out: string,
): string {
  const time = (ms: number | null) => (ms === null ? '–' : formatQuantity(ms, 'time'));
  const error = (share: number | null | undefined) =>
    share === null || share === undefined ? 'not measured' : formatQuantity(share, 'ratio');
  return [
    renderTable(
      ['architecture', simulated ? 'simulated' : 'measured', base, 'fitted'],
      rows.map(({ architecture, latencyMs, baseLatencyMs, fittedLatencyMs, reason }) => [
        reason === null ? architecture : `${architecture} (${reason})`,
        time(latencyMs),
        time(baseLatencyMs),
        time(fittedLatencyMs),
      ]),
    ),
    '',
    `${out}: ${base} fitted to ${device}${simulated ? ', which is SIMULATED itself' : ''}. Published mean error:`,
    `  latency ${error(crossValidated?.latencyMape)}, energy ${error(crossValidated?.energyMape)}, memory ${error(crossValidated?.memoryMape)}`,
    `  from ${profileYaml === null ? 'nothing' : parseBoardProfile(profileYaml).error.comparedWith}`,
    '',
    `To simulate it:\n\n  edgetune device add ${device}-sim\n  edgetune-agent run --simulate ${out} --server … --token …`,
  ].join('\n');
}
