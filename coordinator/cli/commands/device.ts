/** `edgetune device …`: the fleet. */
import { sharedCredentialCure, sharedCredentialText } from '@edgetune/shared/domain/shared-credential.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { Command } from 'commander';
import { renderTable } from '../render/table.ts';
import { registerCalibrate } from './calibrate.ts';
import { clientOf, printJson, type ServerOptions, withServer } from './context.ts';

interface Options extends ServerOptions {
  json?: boolean;
}

export function registerDevice(program: Command): void {
  const device = program.command('device').description('Add, list, rename and remove devices.');

  withServer(device.command('add <name>'))
    .description('Reserve a name and print the line to paste on the board.')
    .option('--json', 'print JSON')
    .option('--renew', 'a new token for a device that is already in the fleet')
    .addHelpText('after', '\nExample:\n  edgetune device add kitchen-pi')
    .action(async (name: string, options: Options & { renew?: boolean }) => {
      const client = clientOf(options);
      const added = options.renew ? await client.renewToken(name) : await client.addDevice(name);
      if (options.json) return printJson(added);
      console.log(
        `"${name}" is waited for. On the board, run (once, before ${added.expiresAt}):\n\n  ${added.installCommand}\n`,
      );
      console.log(`Or, without root and with Node.js 20 or later, for as long as it runs:\n\n  ${added.command}\n`);
      console.log(`To stand in for a board from a checkout of EdgeTune on this machine:\n\n  ${added.localCommand}`);
    });

  withServer(device.command('list'))
    .description('All devices of the fleet.')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const client = clientOf(options);
      const devices = await client.devices();
      if (options.json) return printJson(devices);
      for (const { deviceId, coordinator } of await client.strangers())
        console.error(
          `a board with id ${deviceId} that this coordinator does not know says hello${coordinator ? ` (it has joined ${coordinator})` : ''}`,
        );
      for (const { name, sharedCredential } of devices)
        if (sharedCredential)
          console.error(`${sharedCredentialText(name, sharedCredential)}; ${sharedCredentialCure(name)}`);
      if (devices.length === 0) return console.log('The fleet is empty: add a device with "edgetune device add NAME".');
      const rows = devices.map(({ name, presence, board, runningJobs, queuedJobs }) => [
        name,
        presence,
        board ? `${board.model}${board.simulated ? ' (SIMULATED)' : ''}` : '–',
        board ? `${board.physicalCores} cores, ${formatQuantity(board.memoryBytes, 'memory')}` : '–',
        board?.powerMeter ?? 'no meter',
        `${runningJobs} running, ${queuedJobs} queued`,
      ]);
      console.log(renderTable(['name', 'status', 'board', 'size', 'power meter', 'jobs'], rows));
    });

  withServer(device.command('rename <name> <new-name>'))
    .description('Give a device another name.')
    .action(async (name: string, newName: string, options: Options) => {
      await clientOf(options).renameDevice(name, newName);
      console.log(`"${name}" is now "${newName}".`);
    });

  withServer(device.command('remove <name>'))
    .description('Take a device out of the fleet; its measurements stay.')
    .action(async (name: string, options: Options) => {
      await clientOf(options).removeDevice(name);
      console.log(`"${name}" was removed; its agent's credential is void.`);
    });

  registerCalibrate(device);
}
