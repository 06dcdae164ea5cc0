/**
 * The versions of an installed agent: one folder per release, of which the link `current` names the one that runs. A new
 * release is on trial until it has connected; where it ends before, install/edgetune-agent.sh goes back to `previous`.
 */
import { existsSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../session/durable-file.ts';

/** A release that did not work, and why. */
export interface FailedUpdate {
  release: string;
  reason: string;
}

export class Versions {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Those of the installation that this process runs in; null: it was not started by the installed command. */
  static ofThisInstallation(): Versions | null {
    const folder = process.env.EDGETUNE_AGENT_VERSIONS;
    return folder && existsSync(join(folder, 'current')) ? new Versions(folder) : null;
  }

  current(): string {
    return readlinkSync(join(this.folder, 'current'));
  }

  /** The last update that failed, until another succeeds. */
  failed(): FailedUpdate | null {
    const [release, ...reason] = this.#read('failed')?.trim().split('\n') ?? [];
    return release ? { release, reason: reason.join(' ') } : null;
  }

  recordFailure({ release, reason }: FailedUpdate): void {
    writeFileSync(join(this.folder, 'failed'), `${release}\n${reason.replaceAll('\n', ' ')}\n`);
  }

  /** Makes the release the current one, on trial: whoever started this agent starts that one next. */
  try(release: string): void {
    this.#link('previous', this.current());
    writeDurably(join(this.folder, 'trial'), `${release}\n`);
    this.#link('current', release);
  }

  isOnTrial(): boolean {
    return this.#read('trial')?.trim() === this.current();
  }

  /** Why the release on trial gives up, for the one before it to tell. */
  giveUp(reason: string): void {
    writeFileSync(join(this.folder, 'trial.reason'), reason);
  }

  /** The release on trial works. The one before it stays, for the next time. */
  commit(): void {
    for (const name of ['trial', 'trial.started', 'trial.reason', 'failed'])
      rmSync(join(this.folder, name), { force: true });
  }

  #read(name: string): string | null {
    try {
      return readFileSync(join(this.folder, name), 'utf8');
    } catch {
      return null;
    }
  }

  #link(name: string, target: string): void {
    const path = join(this.folder, name);
    rmSync(`${path}.new`, { force: true });
    symlinkSync(target, `${path}.new`);
    renameSync(`${path}.new`, path);
  }
}
