/**
 * What of a removed board nobody has acknowledged yet: kept for a week, and delivered where the board joins the same
 * coordinator again meanwhile.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@edgetune/shared/log/logger.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

const folderOf = (dataDirectory: string) => join(dataDirectory, 'removed');
const outboxOf = (dataDirectory: string) => join(dataDirectory, 'outbox');

/** Sets the outbox aside. @returns how many results are in it */
export function setResultsAside(dataDirectory: string, coordinatorId: string, now: number = Date.now()): number {
  const outbox = outboxOf(dataDirectory);
  const count = existsSync(outbox) ? readdirSync(outbox).length : 0;
  if (count === 0) {
    rmSync(outbox, { recursive: true, force: true });
    return 0;
  }
  mkdirSync(folderOf(dataDirectory), { recursive: true });
  renameSync(outbox, join(folderOf(dataDirectory), `${now}-${coordinatorId}`));
  return count;
}

/**
 * Forgets what is older than a week, and puts back into the outbox what belongs to this coordinator.
 * @param coordinatorId undefined: the board does not know it
 */
export function takeResultsBack(
  dataDirectory: string,
  coordinatorId: string | undefined,
  log: Logger,
  now: number = Date.now(),
): void {
  const folder = folderOf(dataDirectory);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const [, setAsideMs, whose] = /^(\d+)-(c-[0-9a-f]+)$/.exec(name) ?? [];
    const isOld = setAsideMs === undefined || now - Number(setAsideMs) > WEEK_MS;
    if (!isOld && whose !== coordinatorId) continue;
    const files = readdirSync(join(folder, name));
    if (!isOld) {
      mkdirSync(outboxOf(dataDirectory), { recursive: true });
      for (const file of files) renameSync(join(folder, name, file), join(outboxOf(dataDirectory), file));
      log.info(`${files.length} results from before this board was removed are delivered`);
    } else
      log.info(`${files.length} results from before this board was removed were kept for a week, and are forgotten`);
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}
