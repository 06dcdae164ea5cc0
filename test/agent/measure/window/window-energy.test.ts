/** Energy over a window: what counts, and when there is none. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostError } from '../../../../agent/board/host.ts';
import type { PowerTrace } from '../../../../agent/board/power/record-power.ts';
import { EnergyObserver, energyPerSample } from '../../../../agent/measure/window/window-energy.ts';
import { FixtureHost } from '../../../support/fixture-host.ts';
import { meterOf } from '../../../support/power-meter.ts';
import { turn } from '../../../support/waiting.ts';

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
});

describe('the energy of a measurement', () => {
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

  it('watches the idle board before the window: ten readings, and 300 ms at the least', async () => {
    for (const [intervalMs, idleMs] of [
      [100, 1000],
      [10, 300],
    ] as const) {
      const host = new FixtureHost();
      const startMs = host.now;
      const { meter, closed } = meterOf(host, (ms) => (ms < startMs + idleMs ? 2 : 5), { intervalMs });
      const observer = new EnergyObserver(host, meter, 60_000);
      await observer.begin();
      assert.equal(host.now - startMs, idleMs);
      const windowStartMs = host.now;
      await host.until(windowStartMs + 2000);
      await observer.end();
      assert.equal(closed.count, 1);
      const { energy } = observer.perSample({ samples: 4, windowStartMs, windowMs: 2000 });
      const figures = [energy?.idlePowerW, energy?.meanPowerW, energy?.grossJ, energy?.netJ];
      assert.deepEqual(
        figures.map((figure) => Math.round((figure ?? 0) * 1e6) / 1e6),
        [2, 5, 2.5, 1.5],
      );
      assert.deepEqual([energy?.source, energy?.meter], ['meter', 'test meter']);
      await observer.close();
      assert.equal(closed.count, 1, 'closed once');
    }
  });

  it('a window that can become just as long as the meter needs is watched', async () => {
    const host = new FixtureHost();
    const { meter } = meterOf(host, () => 5, { leastWindowMs: 500 });
    const observer = new EnergyObserver(host, meter, 500);
    await observer.begin();
    await observer.end();
    const { absence } = observer.perSample({ samples: 1, windowStartMs: host.now, windowMs: 499 });
    assert.match(absence ?? '', /needs windows of 0.5 s or more, and this one had 0.5 s at most/);
    const short = new EnergyObserver(host, meter, 499);
    const before = host.now;
    await short.begin();
    assert.equal(host.now, before, 'no idle time is waited for');
  });

  it('a meter that cannot be read is named, with the reason', async () => {
    const host = new FixtureHost();
    const { meter } = meterOf(host, () => 5, { open: () => Promise.reject(new HostError('denied', '/sys/rail')) });
    const observer = new EnergyObserver(host, meter, 1000);
    await observer.begin();
    await observer.end();
    const { absence } = observer.perSample({ samples: 1, windowStartMs: 0, windowMs: 1000 });
    assert.match(absence ?? '', /^test meter could not be read: .*\/sys\/rail/);
  });

  it('a board without a meter says so; a fault that is none of the host is no absence', async () => {
    const host = new FixtureHost();
    const without = new EnergyObserver(host, null, 1000);
    await without.begin();
    await without.end();
    assert.deepEqual(without.perSample({ samples: 1, windowStartMs: 0, windowMs: 1000 }), {
      energy: null,
      absence: 'this board has no power meter that the agent can read',
    });
    const { meter } = meterOf(host, () => 5, { open: () => Promise.reject(new TypeError('a mistake of ours')) });
    await assert.rejects(new EnergyObserver(host, meter, 1000).begin(), TypeError);
  });

  it('a counter that is not read goes on counting: a gap is no reason to leave its energy out', () => {
    const meter = { name: 'RAPL', covers: 'processor', kind: 'counter', intervalMs: 100, leastWindowMs: 300 } as const;
    // 2 W while idle, 5 W from 1.5 s on; between 1.5 and 4 s nobody reads.
    const joules = (ms: number) => (ms < 1500 ? 2 * ms : 3000 + 5 * (ms - 1500)) / 1000;
    const times = [...Array.from({ length: 16 }, (_, i) => i * 100), 4000];
    const trace = {
      meter,
      samples: times.map((atMs) => ({ atMs, value: joules(atMs) })),
      failures: 0,
      lastFailure: null,
    };
    const { energy } = energyPerSample(trace, {
      idle: { startMs: 0, endMs: 1000 },
      window: { startMs: 2000, endMs: 4000 },
      samples: 2,
    });
    const figures = [energy?.grossJ, energy?.netJ, energy?.idlePowerW, energy?.sampleCount];
    assert.deepEqual(
      figures.map((figure) => Math.round((figure ?? 0) * 1e6) / 1e6),
      [5, 3, 2, 1],
    );
  });

  it('a gap of two intervals, or of a quarter of the window, is still a reading', () => {
    const meter = { name: 'slow meter', covers: 'board', kind: 'power', intervalMs: 100, leastWindowMs: 300 } as const;
    const at = (times: readonly number[]): PowerTrace => ({
      meter,
      samples: times.map((atMs) => ({ atMs, value: atMs < 1500 ? 2 : 5 })),
      failures: 0,
      lastFailure: null,
    });
    const idleTimes = Array.from({ length: 16 }, (_, i) => i * 100);
    const absenceOf = (times: readonly number[], windowMs: number) =>
      energyPerSample(at([...idleTimes, ...times]), {
        idle: { startMs: 0, endMs: 1000 },
        window: { startMs: 2000, endMs: 2000 + windowMs },
        samples: 1,
      }).absence;
    // A quarter of 2 s, then a little more.
    assert.equal(absenceOf([2000, 2500, 3000, 3500, 4000], 2000), null);
    assert.match(absenceOf([2000, 2501, 3000, 3500, 4000], 2000) ?? '', /no reading for 501 ms/);
    // Two intervals of a window of 0.4 s, of which a quarter would be one.
    assert.equal(absenceOf([2000, 2200, 2400], 400), null);
    assert.match(absenceOf([2000, 2201, 2400], 400) ?? '', /no reading for 201 ms/);
  });
});
