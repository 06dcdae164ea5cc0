import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger, type LogFormat } from '@edgetune/shared/log/create-logger.ts';
import { LOG_LEVELS, type Logger, type LogLevel, plainLogger } from '@edgetune/shared/log/logger.ts';

const NOW = '2026-07-01T10:00:00.000Z';

/** What a logger of these settings writes of what is logged. */
function written(level: LogLevel, format: LogFormat, use: (log: Logger) => void): string[] {
  const lines: string[] = [];
  use(createLogger({ level, format, write: (text) => lines.push(text), now: () => new Date(NOW) }));
  return lines;
}
const fieldsOf = (line: string | undefined) => JSON.parse(line ?? '') as Record<string, unknown>;

/** An error whose message pretends to be the end of its line, another record, and a stack. */
const forged = () => new Error(`no\n${NOW} info  admin logged in\n    at home (good.js:1:1)\u001b[2K`);

describe('levels', () => {
  for (const [index, level] of LOG_LEVELS.entries()) {
    it(`${level} writes itself and what matters more`, () => {
      const lines = written(level, 'json', (log) => {
        for (const each of LOG_LEVELS) log[each]('said');
      });
      assert.deepEqual(
        lines.map((line) => fieldsOf(line).level),
        LOG_LEVELS.slice(0, index + 1),
      );
    });
  }
});

describe('text', () => {
  it('is the time, the level, the sentence and what was wrong', () => {
    assert.deepEqual(
      written('info', 'text', (log) => {
        log.info('connected', { device: 'pi' });
        log.warn('it was not sent', { error: new Error('the disk is full') });
        log.error('it ended', { error: 'by itself' });
      }),
      [`${NOW} info  connected`, `${NOW} warn  it was not sent: the disk is full`, `${NOW} error it ended: by itself`],
    );
  });

  it('is one line a record, whatever a stranger has put into it', () => {
    const lines = written('info', 'text', (log) =>
      log.warn('login of "x\r\n\u009b1A" refused', { error: forged(), device: 'a\nb' }),
    );
    assert.deepEqual(lines, [
      `${NOW} warn  login of "x\\r\\n\\u009b1A" refused: no\\n${NOW} info  admin logged in\\n    at home (good.js:1:1)\\u001b[2K`,
    ]);
  });

  it('is followed by the stack at debug, without the message again', () => {
    const [text = '', ...more] = written('debug', 'text', (log) => log.error('a fault', { error: forged() }));
    const [first, ...frames] = text.split('\n');
    assert.equal(more.length, 0);
    assert.match(first ?? '', /^\S+ error a fault: no\\n/);
    assert.match(frames[0] ?? '', /^ {4}at forged \(.*create-logger\.test\.ts/);
    for (const frame of frames) assert.match(frame, /^ {4}at (?!home)/);
  });
});

describe('JSON', () => {
  it('has the fields, also those that a child adds', () => {
    const lines = written('debug', 'json', (log) => {
      const child = log.child({ part: 'fleet' }).child({ device: 'pi' });
      child.debug('a job was sent', { jobId: 'j-1' });
      child.info('connected', { device: 'other' });
      log.info('plain');
    });
    assert.deepEqual(lines.map(fieldsOf), [
      { time: NOW, level: 'debug', message: 'a job was sent', part: 'fleet', device: 'pi', jobId: 'j-1' },
      { time: NOW, level: 'info', message: 'connected', part: 'fleet', device: 'other' },
      { time: NOW, level: 'info', message: 'plain' },
    ]);
  });

  it('is one line a record with the same words in it, whatever a stranger has put into it', () => {
    const message = 'x"}\n{"level":"info"}\u2028\u009b2J';
    const [line, ...more] = written('info', 'json', (log) => log.warn(message, { device: message, error: forged() }));
    assert.equal(more.length, 0);
    assert.doesNotMatch(line ?? '', /[\p{Cc}\p{Zl}]/u);
    assert.deepEqual(fieldsOf(line), {
      time: NOW,
      level: 'warn',
      message,
      device: message,
      error: { name: 'Error', message: forged().message },
    });
  });

  it('has the stack and code of an error; the stack at debug only', () => {
    const error = Object.assign(new RangeError('too many'), { code: 'ERANGE' });
    const of = (level: LogLevel) =>
      fieldsOf(written(level, 'json', (log) => log.error('it ended', { error }))[0]).error;
    assert.deepEqual(of('info'), { name: 'RangeError', message: 'too many', code: 'ERANGE' });
    assert.deepEqual(of('debug'), { name: 'RangeError', message: 'too many', code: 'ERANGE', stack: error.stack });
    const said = written('info', 'json', (log) => log.error('it ended', { error: 'by itself' }));
    assert.deepEqual(fieldsOf(said[0]).error, { message: 'by itself' });
  });
});

describe('passwords', () => {
  for (const format of ['text', 'json'] as const) {
    it(`in URLs are left out of ${format}`, () => {
      const [line = ''] = written('debug', format, (log) =>
        log.warn('mqtt://coordinator:hunter2@broker:1883 and http://me:hunter2@plug/cm?user=a@b', {
          error: new Error('wss://hunter2@x'),
          url: 'mqtts://u:hunter2@y/',
          odd: "mqtt://u:it's-hunter2@h, tasmota://u:p@hunter2@plug",
        }),
      );
      assert.doesNotMatch(line, /hunter2/);
      assert.match(line, /mqtt:\/\/broker:1883 and http:\/\/plug\/cm\?user=a@b/);
    });
  }
});

it('a plain logger says the sentences of every level', () => {
  const said: string[] = [];
  const log = plainLogger((line) => said.push(line));
  for (const level of LOG_LEVELS) log[level](level, { error: new Error('why') });
  assert.deepEqual(said, ['error: why', 'warn: why', 'info: why', 'debug: why']);
});
