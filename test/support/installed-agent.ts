/** An agent laid out as install.sh lays it out, in a temporary folder, with this test's Node.js. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { releaseName } from '@edgetune/shared/protocol/messages.ts';
import type { ReleaseFile } from '../../coordinator/fleet/agent-release.ts';
import { event } from './waiting.ts';

export interface InstalledAgent {
  versions: string;
  /** Runs the installed command. @returns its output @throws where it exits with an error */
  command(...args: string[]): string;
  start(...args: string[]): ChildProcess;
}

export function layOutAgent(
  t: Pick<TestContext, 'after'>,
  folder: string,
  { version, file }: { version: string; file: ReleaseFile },
): InstalledAgent {
  const [bin, versions] = [join(folder, 'bin'), join(folder, 'versions')];
  for (const each of [bin, versions]) mkdirSync(each, { recursive: true });
  execFileSync('tar', ['-xzf', file.path, '-C', versions], { timeout: 60_000 });
  const release = releaseName({ version, sha256: file.sha256 });
  renameSync(join(versions, 'package'), join(versions, release));
  symlinkSync(release, join(versions, 'current'));
  symlinkSync(process.execPath, join(bin, 'node'));
  const script = join(bin, 'edgetune-agent.sh');
  copyFileSync(join(versions, release, 'install/edgetune-agent.sh'), script);
  const env = { ...process.env, EDGETUNE_AGENT_DATA_DIR: join(folder, 'data') };
  return {
    versions,
    command: (...args) => execFileSync('sh', [script, ...args], { env, encoding: 'utf8', timeout: 60_000 }),
    start(...args) {
      const child = spawn('sh', [script, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] });
      t.after(async () => {
        if (child.exitCode !== null) return;
        const ended = event('the installed agent to end', child, 'exit');
        child.kill('SIGTERM');
        await ended;
      });
      return child;
    },
  };
}
