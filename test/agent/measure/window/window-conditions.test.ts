/** What is seen of a recorded board around a measured window. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostError } from '../../../../agent/board/host.ts';
import { findWarnings } from '../../../../agent/board/warnings/find-warnings.ts';
import type { WarningSource } from '../../../../agent/board/warnings/warning.ts';
import { ConditionsObserver } from '../../../../agent/measure/window/window-conditions.ts';
import { FixtureHost } from '../../../support/fixture-host.ts';

const CLOCK = '/sys/devices/system/cpu/cpufreq/policy0/cpuinfo_cur_freq';
const POLICY = '/sys/devices/system/cpu/cpufreq/policy0';

/** Looks at a window of two seconds, in which the model computed on one core. */
async function watch(host: FixtureHost) {
  const observer = new ConditionsObserver(host, await findWarnings(host), 1000);
  const startMs = host.now;
  await observer.begin();
  await host.until(startMs + 2000);
  await observer.end();
  return observer.conditions({ windowStartMs: startMs, windowMs: 2000, cpuSeconds: 1.9, attendingCpuSeconds: 0.1 });
}

describe('the conditions of a window', () => {
  it('are the clocks before, during and after, the temperature, the governor, and the load of others', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    const startMs = host.now;
    const clocks = [1_500_000, 2_400_000, 2_300_000, 2_400_000, 2_400_000, 1_600_000];
    host.files.set(CLOCK, () => String(clocks[Math.ceil((host.now - startMs) / 500)] ?? 1_600_000));
    host.files.set('/sys/class/thermal/thermal_zone0/temp', () => String(47_400 + (host.now - startMs)));
    // 2.6 cores busy in all, of which the model one.
    host.files.set('/proc/stat', () => `cpu ${Math.round((host.now - startMs) * 0.26)} 0 0 0 0 0 0 0 0 0\n`);
    const conditions = await watch(host);
    assert.deepEqual(
      [conditions.clockKHzBefore, conditions.clockKHzDuring, conditions.clockKHzLowest],
      [1_500_000, 2_400_000, 2_300_000],
    );
    assert.deepEqual([conditions.temperatureCBefore, conditions.temperatureCAfter], [47.4, 49.4]);
    assert.equal(conditions.governor, 'ondemand');
    assert.ok(Math.abs((conditions.otherLoadCores ?? 0) - 1.6) < 0.01);
    assert.deepEqual([conditions.throttled, conditions.underVoltage, conditions.warnings], [false, false, []]);
  });

  it("have the GPU's clock on every Jetson, and none where there is no GPU", async () => {
    const clocksKHz = {
      'jetson-nano': 921_600,
      'jetson-tx2': 1_300_500,
      'jetson-agx-xavier': 1_377_000,
      'jetson-orin-nano': 624_750,
      'jetson-agx-orin': 1_300_500,
    };
    for (const [board, clockKHz] of Object.entries(clocksKHz)) {
      const conditions = await watch(FixtureHost.of(board as keyof typeof clocksKHz));
      assert.deepEqual([conditions.gpuClockKHzDuring, conditions.gpuClockKHzLowest], [clockKHz, clockKHz], board);
    }
    const host = FixtureHost.of('jetson-orin-nano');
    const startMs = host.now;
    host.files.set('/sys/class/devfreq/17000000.gpu/cur_freq', () =>
      host.now - startMs < 1600 ? '624750000\n' : '306000000\n',
    );
    // Another device of the same class.
    host.files.set('/sys/class/devfreq/15340000.vic/cur_freq', '729600000\n');
    const fell = await watch(host);
    assert.deepEqual([fell.gpuClockKHzDuring, fell.gpuClockKHzLowest], [624_750, 306_000]);
    assert.equal((await watch(FixtureHost.of('raspberry-pi-5'))).gpuClockKHzDuring, undefined);
  });

  it('are those of the window only, not of the runs before it', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    const startMs = host.now;
    host.files.set(CLOCK, () => (host.now < startMs + 1000 ? '1500000\n' : '2400000\n'));
    // Three cores warm up for a second, then one computes.
    const busyMs = () => Math.min(host.now - startMs, 1000) * 3 + Math.max(0, host.now - startMs - 1000);
    host.files.set('/proc/stat', () => `cpu ${Math.round(busyMs() / 10)} 0 0 0 0 0 0 0 0 0\n`);
    const observer = new ConditionsObserver(host, [], 1000);
    await observer.begin();
    await host.until(startMs + 3000);
    await observer.end();
    const conditions = observer.conditions({
      windowStartMs: startMs + 1000,
      windowMs: 2000,
      cpuSeconds: 1.9,
      attendingCpuSeconds: 0.1,
    });
    assert.deepEqual([conditions.clockKHzLowest, conditions.otherLoadCores?.toFixed(6)], [2_400_000, '0.000000']);
  });

  it('tell of a flag that was set for a moment', async () => {
    const host = FixtureHost.of('raspberry-pi-4');
    const startMs = host.now;
    // Under-voltage for half a second; the bit that it has occurred was set long before.
    const flags = () => (host.now >= startMs + 400 && host.now < startMs + 900 ? '0x50001' : '0x50000');
    host.commands.set('vcgencmd get_throttled', () => `throttled=${flags()}\n`);
    const conditions = await watch(host);
    assert.deepEqual([conditions.throttled, conditions.underVoltage], [false, true]);
    assert.match(conditions.warnings?.join() ?? '', /below 4.63 V/);
  });

  it('tell of a clock that was set and did not hold', async () => {
    const host = FixtureHost.of('raspberry-pi-3b-plus');
    for (const limit of ['min', 'max']) host.files.set(`${POLICY}/scaling_${limit}_freq`, '1400000\n');
    const startMs = host.now;
    host.files.set(CLOCK, () => (host.now > startMs + 1000 ? '1200000\n' : '1400000\n'));
    const conditions = await watch(host);
    // This user may not ask the firmware, and still it shows.
    assert.equal(conditions.throttled, true);
    assert.deepEqual(conditions.warnings, ['the clock fell to 1200 MHz, though it was set to 1400 MHz']);
  });

  it('are unknown where the board does not tell', async () => {
    const conditions = await watch(new FixtureHost());
    const { warnings, ...rest } = conditions;
    assert.deepEqual(warnings, []);
    assert.ok(Object.values(rest).every((value) => value === null));
  });

  it('are unknown when a source stops answering', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    const sources = await findWarnings(host);
    const observer = new ConditionsObserver(host, sources, 1000);
    host.failing.set('vcgencmd', 'VCHI initialization failed');
    await observer.begin();
    await observer.end();
    assert.equal(observer.conditions(null).throttled, null);
  });

  it('are known by two readings, one before and one after, and not by one', async () => {
    for (const [readings, expected] of [
      [2, false],
      [1, null],
    ] as const) {
      const host = new FixtureHost();
      let reads = 0;
      const source: WarningSource = {
        kinds: ['throttled'],
        read: async () => {
          reads += 1;
          if (reads > 1 && (readings === 1 || reads < 4)) throw new HostError('failed', 'the firmware');
          return [{ kind: 'throttled', what: 'it is hot', active: false, count: 0 }];
        },
      };
      const observer = new ConditionsObserver(host, [source], 1000);
      await observer.begin();
      await host.until(host.now + 700);
      await observer.end();
      assert.equal(observer.conditions(null).throttled, expected, `${reads} reads`);
      assert.equal(reads, 4);
    }
  });

  it('end with the measuring process, also before the window', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    const observer = new ConditionsObserver(host, await findWarnings(host), 1000);
    await observer.close();
    assert.equal(observer.conditions(null).clockKHzDuring, null);
  });
});
