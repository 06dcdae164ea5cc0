/** What a program says about itself: a level, a sentence for people, and fields by which programs find it. */

/** From what matters most to what matters least. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogFields {
  /** What was caught: its message follows the sentence, after a colon. */
  error?: unknown;
  /** Ids, names and numbers, such as `device` or `study`; never a password, token or credential. */
  [field: string]: unknown;
}

type Say = (message: string, fields?: LogFields) => void;

export interface Logger {
  /** A fault of EdgeTune itself, or of what it cannot do without. */
  error: Say;
  /** Something is not as it should be, and EdgeTune goes on. */
  warn: Say;
  /** What happened, for whoever runs the program. */
  info: Say;
  /** For whoever looks for a fault; with the stacks of errors. */
  debug: Say;
  /** A logger that adds these fields to every record. */
  child(fields: LogFields): Logger;
}

export interface LogRecord {
  level: LogLevel;
  message: string;
  fields: LogFields;
}

/** A logger that hands every record to `take`. */
export function loggerTo(take: (record: LogRecord) => void, bound: LogFields = {}): Logger {
  const at =
    (level: LogLevel): Say =>
    (message, fields) =>
      take({ level, message, fields: { ...bound, ...fields } });
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (fields) => loggerTo(take, { ...bound, ...fields }),
  };
}

/** A logger that says the sentences of every level, and nothing else. */
export function plainLogger(say: (sentence: string) => unknown): Logger {
  return loggerTo((record) => say(sentenceOf(record)));
}

/** The sentence, and what was wrong. */
export function sentenceOf({ message, fields: { error } }: LogRecord): string {
  return error === undefined ? message : `${message}: ${error instanceof Error ? error.message : String(error)}`;
}
