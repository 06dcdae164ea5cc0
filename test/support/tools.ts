/** What a test needs of the machine beyond Node.js: where it is not there, the test is skipped aloud. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export function hasTool(name: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why a test that makes mount namespaces as root cannot run here; null: it can. */
export function namespacesMissing(...tools: string[]): string | null {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root';
  const missing = ['unshare', 'chroot', ...tools].filter((tool) => !hasTool(tool));
  if (missing.length > 0) return `it needs ${missing.join(', ')} (apt-get install)`;
  const namespaces = ['--mount', '--pid', '--fork', '--mount-proc', 'true'];
  if (spawnSync('unshare', namespaces, { timeout: 20_000 }).status !== 0)
    return 'this machine lets root make no namespaces';
  return null;
}
