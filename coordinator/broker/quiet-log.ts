/** A log that one misbehaving device cannot flood: the same sentence is written at most once in ten seconds. */
import { type Logger, loggerTo, sentenceOf } from '@edgetune/shared/log/logger.ts';

const QUIET_MS = 10_000;
const MAX_SENTENCES = 1000;

export function quietLog(log: Logger, now: () => number = Date.now): Logger {
  const lastAt = new Map<string, number>();
  return loggerTo((record) => {
    const sentence = sentenceOf(record);
    const last = lastAt.get(sentence);
    if (last !== undefined && now() - last < QUIET_MS) return;
    lastAt.delete(sentence);
    lastAt.set(sentence, now());
    if (lastAt.size > MAX_SENTENCES) lastAt.delete(lastAt.keys().next().value as string);
    log[record.level](record.message, record.fields);
  });
}
