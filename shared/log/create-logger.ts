/** Records as lines: `TIME LEVEL SENTENCE` for people, or one JSON object a line for programs. */
import { LOG_LEVELS, type Logger, type LogLevel, type LogRecord, loggerTo, sentenceOf } from './logger.ts';
import { printable } from './printable.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LoggerOptions {
  /** This level and those that matter more are written. */
  level: LogLevel;
  format: LogFormat;
  /** Takes a record's text without the line break at its end. */
  write(text: string): void;
  now?: () => Date;
}

/**
 * A record is one line, whatever is in its message, fields and error; at level `debug` an error's stack is in its JSON, and
 * in a text follows in indented lines. Passwords in URLs are left out.
 */
export function createLogger({ level, format, write, now = () => new Date() }: LoggerOptions): Logger {
  const written: readonly LogLevel[] = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1);
  const render = format === 'json' ? jsonOf : textOf;
  return loggerTo((record) => {
    if (written.includes(record.level)) write(withoutPasswords(render(record, now().toISOString(), level === 'debug')));
  });
}

function textOf(record: LogRecord, time: string, withStack: boolean): string {
  const line = printable(`${time} ${record.level.padEnd(5)} ${sentenceOf(record)}`);
  const { error } = record.fields;
  return withStack && error instanceof Error ? [line, ...framesOf(error)].join('\n') : line;
}

function jsonOf({ level, message, fields: { error, ...fields } }: LogRecord, time: string, withStack: boolean): string {
  const caught = error === undefined ? {} : { error: errorFields(error, withStack) };
  return printable(JSON.stringify({ time, level, message, ...fields, ...caught }));
}

function errorFields(error: unknown, withStack: boolean): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code } = error as { code?: unknown };
  return { name, message, ...(code === undefined ? {} : { code }), ...(withStack ? { stack } : {}) };
}

/** Where the error was made: the stack without the message before it, in which a stranger may have put line breaks. */
function framesOf({ stack = '', message }: Error): string[] {
  return stack
    .replace(message, '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .map(printable);
}

/** A URL may bring a user name and a password, as those of brokers and power plugs do. */
function withoutPasswords(text: string): string {
  return text.replaceAll(/(?<=[a-z]:\/\/)[^\s/?#"]*@/gi, '');
}
