/** The agent installs the versions that it is offered: between two jobs, one at a time. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import { outdatedScripts, reinstallLine } from '../update/installed-scripts.ts';
import type { Updater } from '../update/updater.ts';
import type { Versions } from '../update/versions.ts';
import type { JobRunner } from './job-runner.ts';
import type { Membership } from './join-fleet.ts';

export interface SelfUpdateOptions {
  updater: Updater;
  jobs: Pick<JobRunner, 'between'>;
  log: Logger;
  /** The offered version is to be started. */
  onSwitched(): void;
  /** The coordinator is to learn why it was not taken. */
  onFailed(): void;
}

export function createSelfUpdate(options: SelfUpdateOptions): (offer: UpdateOffer) => Promise<void> {
  const { updater, jobs, log, onSwitched, onFailed } = options;
  let updating = false;
  return async (offer) => {
    if (updating) return;
    updating = true;
    try {
      await jobs.between(async () => {
        const result = await updater.install(offer);
        if (result === 'switched') onSwitched();
        if (result === 'failed') onFailed();
      });
    } catch (error) {
      log.warn(`version ${offer.version} was not installed`, { error });
    } finally {
      updating = false;
    }
  };
}

/** An update leaves alone what root runs: says what is older than this version there, and how to renew it. */
export function tellOfOutdatedScripts(versions: Versions, { server, pin }: Membership, log: Logger): void {
  const outdated = outdatedScripts(versions);
  if (outdated.length === 0) return;
  const line = reinstallLine({ server, pin });
  log.warn(`older than this version: ${outdated.join(', ')}. To install them as well: ${line}`);
}
