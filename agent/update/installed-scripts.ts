/**
 * What root installed beside the versions: an update does not replace it, since the agent's user may not write what root
 * runs, and since it is what goes back from an update that does not work.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { curlTo } from '@edgetune/shared/runtime/public-key-pin.ts';
import type { Versions } from './versions.ts';

const SCRIPTS = ['edgetune-agent.sh', 'uninstall.sh', 'grant-controls.sh'];
const UNIT = 'edgetune-agent.service';

/** Names of those that are not as the current version brings them. */
export function outdatedScripts({ folder }: Versions, unitFolder = '/etc/systemd/system'): string[] {
  const installed = [
    ...SCRIPTS.map((name) => ({ name, path: join(dirname(folder), 'bin', name) })),
    { name: UNIT, path: join(unitFolder, UNIT) },
  ];
  return installed
    .filter(({ name, path }) => {
      const [there, brought] = [read(path), read(join(folder, 'current/install', name))];
      // A system without systemd has no unit.
      return there !== null && brought !== null && there !== brought;
    })
    .map(({ name }) => name);
}

/** The line that brings them up to date; it needs no token. */
export function reinstallLine({ server, pin }: { server: string; pin?: string | undefined }): string {
  return `${curlTo(pin)} ${server}/install.sh | sudo sh`;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
