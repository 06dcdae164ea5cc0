/**
 * The versions of an installed agent: one folder per release, of which the link `current` names the one that runs. A new
 * release is on trial until it has connected; where it ends before, install/edgetune-agent.sh goes back to `previous`.
 */
import { existsSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';

/** A release that did not work, and why. */
export interface FailedUpdate {
  release: string;
  reason: string;
}

/** How often a release may go on trial without reaching the coordinator before it is at fault itself. */
const MOST_UNREACHED = 3;

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

  /**
   * The release on trial could not connect, and the one before it is to go on. That may be the coordinator's fault or the
   * network's, so it has not failed, and is offered again; until it was so too often, while the one before it could.
   */
  giveUp(reason: string): void {
    const [release, times] = this.#read('unreached')?.trim().split('\n') ?? [];
    const tries = (release === this.current() ? Number(times) : 0) + 1;
    writeDurably(join(this.folder, 'unreached'), `${this.current()}\n${tries}\n`);
    writeFileSync(join(this.folder, 'trial.reason'), tries < MOST_UNREACHED ? '' : `${reason}, ${tries} times`);
  }

  /** The release on trial works. The one before it stays, for the next time. */
  commit(): void {
    for (const name of ['trial', 'trial.started', 'trial.reason', 'unreached', 'failed'])
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
