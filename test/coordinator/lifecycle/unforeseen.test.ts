/** Faults that nobody has caught: told, and survived as long as they are single ones. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { surviveUnforeseen } from '../../../coordinator/lifecycle/unforeseen.ts';

function surviving() {
  const source = new EventEmitter();
  const clock = { ms: 0 };
  const said: string[] = [];
  const errors: unknown[] = [];
  const ends: number[] = [];
  const stop = surviveUnforeseen({
    ...{ source, now: () => clock.ms, end: () => ends.push(clock.ms) },
    say: (message, { error }) => {
      said.push(message);
      errors.push(error);
    },
  });
  return { source, clock, said, errors, ends, stop };
}

describe('a fault that nobody has caught', () => {
  it('is told with its place, be it thrown or rejected, and ends nothing', () => {
    const { source, said, errors, ends } = surviving();
    const fault = new Error('x is not a function');
    source.emit('uncaughtException', fault);
    source.emit('unhandledRejection', 'no error at all');
    assert.equal(said.length, 2);
    assert.match(
      said[0] ?? '',
      /^the coordinator has met a fault of EdgeTune \(at .*unforeseen\.test\.ts.*\); it goes on$/,
    );
    assert.equal(said[1], 'the coordinator has met a fault of EdgeTune; it goes on');
    assert.deepEqual([errors, ends], [[fault, 'no error at all'], []]);
  });

  it('ends the coordinator, once, where twenty come within a minute', () => {
    const { source, clock, said, ends } = surviving();
    for (let fault = 0; fault < 25; fault++) {
      clock.ms += 2900;
      source.emit('uncaughtException', new Error('again'));
    }
    assert.deepEqual(ends, [20 * 2900]);
    assert.match(said[19] ?? '', /it ends, after 20 of them within a minute$/);
    assert.match(said[20] ?? '', /it goes on$/, 'it is ending already');
  });

  it('may come now and then for ever', () => {
    const { source, clock, ends } = surviving();
    for (let fault = 0; fault < 100; fault++) {
      clock.ms += 3200;
      source.emit('uncaughtException', new Error('again'));
    }
    assert.deepEqual(ends, []);
  });

  it('is no matter any more when it has ended', () => {
    const { source, said, stop } = surviving();
    stop();
    source.emit('uncaughtException', new Error('x'));
    assert.deepEqual(said, []);
  });
});
