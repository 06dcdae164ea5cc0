/**
 * What was written lies in the log beside the database first (`-wal`). Now and then, and at the end, it is moved into the
 * database itself: whoever copies the one file has everything.
 */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type Libsql from 'libsql';

/** A crash of the machine between two leaves at most so much in the log. */
const EVERY_MS = 60_000;

export interface Checkpoints {
  /** The last one: the log is empty afterwards. */
  close(): void;
}

export function keepCheckpoints(
  { client, file, log }: { client: Libsql.Database; file: string; log: Logger },
  everyMs: number = EVERY_MS,
): Checkpoints {
  let written = totalChanges(client);
  // `PASSIVE` waits for nobody: what a reader holds back is moved the next time.
  const timer = setInterval(() => {
    const now = totalChanges(client);
    if (now === written) return;
    try {
      if (checkpoint(client, 'PASSIVE')) written = now;
    } catch (error) {
      log.debug(`${file}-wal could not be moved into ${file} for now`, { error });
    }
  }, everyMs);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      try {
        if (!checkpoint(client, 'TRUNCATE')) throw new Error('another program reads it');
      } catch (error) {
        log.warn(`what was written last stays in ${file}-wal: copy it too`, { error });
      }
    },
  };
}

function totalChanges(client: Libsql.Database): number {
  return (client.prepare('SELECT total_changes() AS count').get() as { count: number }).count;
}

/** Whether all that was written is in the database now. */
function checkpoint(client: Libsql.Database, mode: 'PASSIVE' | 'TRUNCATE'): boolean {
  const [done] = client.pragma(`wal_checkpoint(${mode})`) as { busy: number; log: number; checkpointed: number }[];
  return done?.busy === 0 && done.log === done.checkpointed;
}
