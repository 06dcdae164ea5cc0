/** The recorder: when it asks, and what it does with readings that fail. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordPower } from '../../../../agent/board/power/record-power.ts';
import { FixtureHost } from '../../../support/fixture-host.ts';
import { meterOf } from '../../../support/power-meter.ts';

describe('the recorder', () => {
  it('asks at every multiple of the interval and once at the end', async () => {
    const host = new FixtureHost();
    const { meter, closed } = meterOf(host, () => 5);
    const recording = await recordPower(meter, host);
    await host.until(1500);
    host.now += 30;
    const { samples, failures } = await recording.stop();
    assert.deepEqual(
      samples.map(({ atMs }) => atMs),
      [1000, 1100, 1200, 1300, 1400, 1500, 1530],
    );
    assert.deepEqual([failures, closed.count], [0, 1]);
  });

  it('asks once an interval also where timers fire a little early', async () => {
    const host = new FixtureHost();
    const early = host.sleep.bind(host);
    host.sleep = (ms, signal) => early(Math.max(0, ms - 0.4), signal);
    const { meter } = meterOf(host, () => 5);
    const recording = await recordPower(meter, host);
    await host.until(1950);
    assert.equal((await recording.stop()).samples.length, 1 + 10 + 1);
  });

  it('skips what a slow reading makes it miss, and books it to the middle of its time', async () => {
    const host = new FixtureHost();
    const { meter } = meterOf(host, () => {
      host.now += 250;
      return 5;
    });
    const recording = await recordPower(meter, host);
    await host.until(2400);
    const { samples } = await recording.stop();
    assert.deepEqual(
      samples.slice(0, 3).map(({ atMs }) => atMs),
      [1125, 1475, 1775],
    );
  });

  it('goes on after a reading that failed, and counts it', async () => {
    const host = new FixtureHost();
    const { meter } = meterOf(host, (ms) => (ms === 1200 ? Number.NaN : 5));
    const recording = await recordPower(meter, host);
    await host.until(1400);
    const { samples, failures, lastFailure } = await recording.stop();
    assert.ok(!samples.some(({ atMs }) => atMs === 1200));
    assert.deepEqual([failures, lastFailure], [1, 'nan']);
  });

  it('closes the meter when the first reading fails', async () => {
    const host = new FixtureHost();
    const { meter, closed } = meterOf(host, () => Number.NaN);
    await assert.rejects(recordPower(meter, host), /nan/);
    assert.equal(closed.count, 1);
  });
});
