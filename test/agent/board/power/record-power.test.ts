/** The recorder: when it asks, what it does with readings that fail, and when a window has no energy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostError } from '../../../../agent/board/host.ts';
import type { PowerMeter } from '../../../../agent/board/power/power-meter.ts';
import { type PowerTrace, recordPower } from '../../../../agent/board/power/record-power.ts';
import { EnergyObserver, energyPerSample } from '../../../../agent/measure/window/window-energy.ts';
import { FixtureHost } from '../../../support/fixture-host.ts';
import { turn } from '../../../support/waiting.ts';

/** A meter whose readings are given by the time. */
function meterOf(host: FixtureHost, watts: (ms: number) => number, change: Partial<PowerMeter> = {}) {
  const closed = { count: 0 };
  const meter: PowerMeter = {
    name: 'test meter',
    covers: 'board',
    kind: 'power',
    intervalMs: 100,
    leastWindowMs: 300,
    open: async () => ({
      read: async () => {
        const value = watts(host.now);
        if (Number.isNaN(value)) throw new HostError('failed', 'nan');
        return value;
      },
      close: async () => void closed.count++,
    }),
    ...change,
  };
  return { meter, closed };
}

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

  it('does not make up for time in which this process stood still, and the window has no energy then', async () => {
    const host = new FixtureHost();
    const { meter } = meterOf(host, (ms) => (ms < 2000 ? 2 : 5));
    const observer = new EnergyObserver(host, meter, 60_000);
    await observer.begin();
    const windowStartMs = host.now;
    await host.until(windowStartMs + 500);
    host.now += 30_000;
    await host.until(windowStartMs + 31_000);
    await observer.end();
    const { energy, absence } = observer.perSample({ samples: 1, windowStartMs, windowMs: 31_000 });
    assert.equal(energy, null);
    assert.match(absence ?? '', /gave no reading for 30\d\d\d ms of a window of 31000 ms/);
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

describe('energy per sample', () => {
  const at = (watts: (ms: number) => number, everyMs = 100): PowerTrace => ({
    meter: { name: 'test meter', covers: 'board', kind: 'power', intervalMs: 100, leastWindowMs: 300 },
    samples: Array.from({ length: Math.floor(4000 / everyMs) + 1 }, (_, i) => ({
      atMs: i * everyMs,
      value: watts(i * everyMs),
    })),
    failures: 0,
    lastFailure: null,
  });
  const idle = { startMs: 0, endMs: 1000 };
  const window = { startMs: 2000, endMs: 4000 };

  it('is gross over the window and net of the idle power', () => {
    const { energy } = energyPerSample(
      at((ms) => (ms < 1500 ? 2 : 5)),
      { idle, window, samples: 4 },
    );
    // 5 W for 2 s are 10 J, of which 4 J idle; four samples.
    const figures = [energy?.grossJ, energy?.netJ, energy?.idlePowerW, energy?.meanPowerW];
    assert.deepEqual(
      figures.map((figure) => Math.round((figure ?? 0) * 1e9) / 1e9),
      [2.5, 1.5, 2, 5],
    );
    assert.deepEqual([energy?.sampleCount, energy?.sampleRateHz], [21, 10.5]);
  });

  it('cuts the window where the measuring process says, between two readings', () => {
    const trace = at((ms) => ms / 100);
    // From 20.5 W at 2.05 s to 30.7 W at 3.07 s: 25.6 W × 1.02 s; idle mean of 0 to 0.9 s: 4.5 W.
    const { energy } = energyPerSample(trace, { idle, window: { startMs: 2050, endMs: 3070 }, samples: 1 });
    assert.ok(Math.abs((energy?.grossJ ?? 0) - 26.112) < 1e-9);
    assert.ok(Math.abs((energy?.netJ ?? 0) - (26.112 - 4.5 * 1.02)) < 1e-9);
  });

  it('is absent, with the reason, where it cannot be told', () => {
    const absence = (trace: PowerTrace, change: object = {}) =>
      energyPerSample(trace, { idle, window, samples: 1, ...change }).absence ?? '';
    assert.match(
      absence(
        at(() => 5),
        { window: { startMs: 2000, endMs: 2200 } },
      ),
      /needs windows of 0.3 s/,
    );
    assert.match(absence(at((ms) => (ms < 1500 ? 2 : 5), 1000)), /no reading for 1000 ms of a window of 2000 ms/);
    assert.match(absence(at(() => 5)), /no more power while measuring \(5.00 W\) than when idle \(5.00 W\)/);
    assert.match(
      absence(
        at(() => 5),
        { idle: { startMs: 10, endMs: 90 } },
      ),
      /too few readings while the board was idle/,
    );
    const failing = { ...at(() => 5, 1000), failures: 12, lastFailure: 'the rail VDD_IN gave no reading' };
    assert.match(absence(failing), /12 readings failed: the rail VDD_IN/);
  });

  it('stops recording when the measuring process dies in the window, or in the idle time before', async () => {
    const host = new FixtureHost();
    const { meter, closed } = meterOf(host, () => 5);
    const observer = new EnergyObserver(host, meter, 10_000);
    await observer.begin();
    await observer.close();
    assert.equal(closed.count, 1);
    const early = new EnergyObserver(host, meter, 10_000);
    const begun = early.begin();
    await turn();
    await early.close();
    await assert.rejects(begun, /has ended/);
    assert.equal(closed.count, 2);
  });
});
