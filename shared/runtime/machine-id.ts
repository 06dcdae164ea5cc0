/** Which machine a process runs on: the same answer for the coordinator and an agent beside it, never the id itself. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * SHA-256 over /etc/machine-id (which systemd asks not to publish as it is), the boot id and the host name: containers
 * made from one image share the first, different machines never all three.
 */
export function machineId(): string {
  const parts = [read('/etc/machine-id'), read('/proc/sys/kernel/random/boot_id'), hostname()];
  return createHash('sha256')
    .update(`edgetune\n${parts.join('\n')}`)
    .digest('hex');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
