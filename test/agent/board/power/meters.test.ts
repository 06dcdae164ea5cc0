/** Every meter on recorded boards: which one is found, its watts, and joules over a window, all computed by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostError } from '../../../../agent/board/host.ts';
import { findMeters } from '../../../../agent/board/power/find-meters.ts';
import { pmicRails } from '../../../../agent/board/power/pi-pmic.ts';
import { recordPower } from '../../../../agent/board/power/record-power.ts';
import { EnergyObserver, energyPerSample } from '../../../../agent/measure/window/window-energy.ts';
import { type BoardName, FixtureHost } from '../../../support/fixture-host.ts';

const close = (actual: number, expected: number, what = '') =>
  assert.ok(Math.abs(actual - expected) < 1e-6 * Math.max(1, expected), `${what} ${actual} is not ${expected}`);

/** The first meter of each board, and the watts of its recorded readings. */
const EXPECTED: Partial<Record<BoardName, { meter: string; watts: number; how: string }>> = {
  'raspberry-pi-3b-plus': { meter: 'INA219', watts: 3.16, how: 'power1_input 3 160 000 µW' },
  'raspberry-pi-5': {
    meter: 'Raspberry Pi 5 PMIC',
    watts: 3.128,
    how: '3V7 0.37 + 3V3 0.33 + 1V8 0.36 + DDR 0.22 + 1V1 0.22 + 0V8 0.32 + core 1.2 + AON 0.008 + HDMI 0.1',
  },
  'jetson-nano': {
    meter: 'INA3221 (POM_5V_IN)',
    watts: 2.45,
    how: 'in_power0_input 2450 mW, of which the others are parts',
  },
  'jetson-tx2': { meter: 'INA3221 (VDD_IN)', watts: 3.205, how: 'in_power0_input of 0-0041, 3205 mW' },
  'jetson-agx-xavier': {
    meter: 'INA3221 (GPU + CPU + SOC + CV + VDDRQ + SYS5V)',
    watts: 12,
    how: '19 V × (0.1 + 0.2 + 0.15 + 0 + 0.05) A + 5 V × 0.5 A',
  },
  'jetson-orin-nano': { meter: 'INA3221 (VDD_IN)', watts: 6, how: '5 V × 1.2 A' },
  'jetson-agx-orin': {
    meter: 'INA3221 (VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0 + VDDQ_VDD2_1V8AO)',
    watts: 8.5,
    how: '20 V × (0.16 + 0.04) A + 5 V × (0.8 + 0.1) A, the two channels NC left out',
  },
  'x86-laptop': { meter: 'battery', watts: 8.55, how: '11.4 V × 0.75 A; RAPL is for root only' },
};

/** Multiplies everything that a board tells of its current or power by a factor that depends on the time. */
function scaleLoad(host: FixtureHost, factor: () => number): void {
  const scaled = (text: string) => String(Number(text) * factor());
  for (const [path, content] of host.files) {
    if (/\/(power1_input|curr\d_input|in_power\d_input|in_power2_raw|current_now)$/.test(path))
      host.files.set(path, () => scaled(content as string));
  }
  const pmic = host.commands.get('vcgencmd pmic_read_adc');
  if (typeof pmic === 'string')
    host.commands.set('vcgencmd pmic_read_adc', () =>
      pmic.replace(/(current\(\d+\)=)([\d.]+)A/g, (_, name, amps) => `${name}${scaled(amps)}A`),
    );
}

async function firstMeter(host: FixtureHost) {
  const [meter] = await findMeters(host);
  assert.ok(meter, 'a meter is found');
  return meter;
}

async function readOnce(host: FixtureHost): Promise<number> {
  return (await (await firstMeter(host)).open()).read();
}

describe('a recorded board', () => {
  for (const [board, { meter, watts, how }] of Object.entries(EXPECTED)) {
    it(`${board} has the meter ${meter} at ${watts} W: ${how}`, async () => {
      const host = FixtureHost.of(board as BoardName);
      assert.equal((await firstMeter(host)).name, meter);
      close(await readOnce(host), watts);
    });

    it(`${board}: net and gross joules of a window at three times the idle power`, async () => {
      const host = FixtureHost.of(board as BoardName);
      let factor = 1;
      scaleLoad(host, () => factor);
      const found = await firstMeter(host);
      const observer = new EnergyObserver(host, found, 60_000);
      await observer.begin();
      factor = 3;
      // The trapezoid to the first sample at the new power lies before the window.
      await host.until(host.now + found.intervalMs);
      const windowStartMs = host.now;
      const windowMs = 20 * Math.max(found.intervalMs, 100);
      await host.until(windowStartMs + windowMs);
      await observer.end();
      const { energy, absence } = observer.perSample({ samples: 10, windowStartMs, windowMs });
      assert.equal(absence, null);
      // 3 P over the window, of which P is idle, for ten samples.
      close(energy?.grossJ ?? 0, (3 * watts * (windowMs / 1000)) / 10, 'gross');
      close(energy?.netJ ?? 0, (2 * watts * (windowMs / 1000)) / 10, 'net');
      close(energy?.idlePowerW ?? 0, watts, 'idle');
      assert.ok((energy?.sampleCount ?? 0) >= 20);
      close(energy?.sampleRateHz ?? 0, (energy?.sampleCount ?? 0) / (windowMs / 1000), 'rate');
      assert.deepEqual([energy?.source, energy?.meter], ['meter', meter]);
    });
  }

  it('has no meter where it has no sensor: energy is absent with the reason, not zero', async () => {
    const host = FixtureHost.of('raspberry-pi-4');
    assert.deepEqual(await findMeters(host), []);
    const observer = new EnergyObserver(host, null, 1000);
    await observer.begin();
    await observer.end();
    const { energy, absence } = observer.perSample({ samples: 1, windowStartMs: 0, windowMs: 1000 });
    assert.equal(energy, null);
    assert.match(absence ?? '', /no power meter/);
  });
});

describe('RAPL', () => {
  const UJ = '/sys/class/powercap/intel-rapl:0/energy_uj';

  it('goes on when its counter wraps', async () => {
    const host = FixtureHost.of('x86-nuc');
    const meter = await (await firstMeter(host)).open();
    assert.equal(await meter.read(), 0);
    // What the whole platform took (the zone psys) contains the package and is not added to it.
    host.files.set('/sys/class/powercap/intel-rapl:1/energy_uj', '988654321\n');
    // From 262 143 000 000 over the range of 262 143 328 850 to 671 150: 1 000 000 µJ.
    host.files.set(UJ, '671150\n');
    close(await meter.read(), 1);
    host.files.set(UJ, '2671150\n');
    close(await meter.read(), 3);
  });

  it('gives the joules between two moments of a window, across a wrap', async () => {
    const host = FixtureHost.of('x86-nuc');
    const rangeUj = 262_143_328_850;
    const startMs = host.now;
    // 10 W idle for the first 1.5 s, then 25 W; it wraps after 0.3 J.
    const joulesAt = (ms: number) => (ms < 1500 ? ms * 0.01 : 15 + (ms - 1500) * 0.025);
    host.files.set(UJ, () => String((262_143_000_000 + Math.round(joulesAt(host.now - startMs) * 1e6)) % rangeUj));
    const recording = await recordPower(await firstMeter(host), host);
    await host.until(startMs + 4000);
    const trace = await recording.stop();
    const { energy } = energyPerSample(trace, {
      idle: { startMs: startMs + 200, endMs: startMs + 1200 },
      window: { startMs: startMs + 2000, endMs: startMs + 3000 },
      samples: 5,
    });
    close(energy?.grossJ ?? 0, 5);
    close(energy?.netJ ?? 0, 3);
  });

  it('is found only where it may be read', async () => {
    const host = FixtureHost.of('x86-laptop');
    assert.ok(!(await findMeters(host)).some(({ name }) => name.startsWith('RAPL')));
    host.denied.clear();
    host.files.set(UJ, '12345678\n');
    assert.equal((await findMeters(host))[0]?.name, 'RAPL (processor)');
  });
});

describe('the Raspberry Pi 5 PMIC', () => {
  it('pairs currents with voltages by name, leaves out what has no current, and keeps nan as nan', () => {
    const rails = pmicRails(
      ' A_A current(0)=2.0A\n B_A current(1)=nanA\n C_A current(2)=1A\n A_V volt(9)=3.0V\n B_V volt(3)=1.0V\n EXT5V_V volt(24)=5.1V\n',
    );
    assert.deepEqual(
      [...rails],
      [
        ['A', 6],
        ['B', Number.NaN],
      ],
    );
    assert.deepEqual([...pmicRails('garbage\nVDD_CORE_A current(7)=')], []);
  });

  it('skips a reading with nan instead of taking the rail as 0 W, and a rail that never tells', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    const text = host.commands.get('vcgencmd pmic_read_adc') as string;
    const open = await (await firstMeter(host)).open();
    host.commands.set('vcgencmd pmic_read_adc', text.replace('current(7)=1.50000000A', 'current(7)=nanA'));
    await assert.rejects(open.read(), HostError);
    // Without HDMI from the beginning: 3.128 − 0.1 W.
    host.commands.set('vcgencmd pmic_read_adc', text.replace('current(22)=0.02000000A', 'current(22)=nanA'));
    close(await readOnce(host), 3.028);
  });

  it('is not there for a user outside the group video', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    host.failing.set('vcgencmd', "Can't open device file: /dev/vcio");
    assert.deepEqual(await findMeters(host), []);
  });
});

describe('INA219, INA226, INA260', () => {
  it('by hwmon without power1_input: volts × amperes', async () => {
    const host = FixtureHost.of('raspberry-pi-3b-plus');
    host.files.delete('/sys/class/hwmon/hwmon2/power1_input');
    // 5.112 V × 0.62 A
    close(await readOnce(host), 3.16944);
  });

  it('by hwmon under another number', async () => {
    const host = FixtureHost.of('raspberry-pi-3b-plus');
    host.rename('/sys/class/hwmon/hwmon2', '/sys/class/hwmon/hwmon11');
    close(await readOnce(host), 3.16);
  });

  it('by iio: raw × scale is milliwatts', async () => {
    const folder = '/sys/bus/iio/devices/iio:device0';
    const host = new FixtureHost({
      files: {
        [`${folder}/name`]: 'ina226\n',
        [`${folder}/in_power2_raw`]: '131\n',
        [`${folder}/in_power2_scale`]: '25.000000\n',
      },
    });
    assert.equal((await firstMeter(host)).name, 'INA226');
    // 131 × 25 mW
    close(await readOnce(host), 3.275);
  });

  it('no other sensor is taken for one', async () => {
    const host = new FixtureHost({
      files: { '/sys/class/hwmon/hwmon0/name': 'nvme\n', '/sys/class/hwmon/hwmon0/power1_input': '5000000\n' },
    });
    assert.deepEqual(await findMeters(host), []);
  });
});

describe('INA3221', () => {
  it('is found when its hwmon has another number', async () => {
    const host = FixtureHost.of('jetson-orin-nano');
    const chip = '/sys/bus/i2c/drivers/ina3221/1-0040/hwmon';
    host.rename(`${chip}/hwmon1`, `${chip}/hwmon7`);
    close(await readOnce(host), 6);
  });

  it('counts a chip once that is listed by the bus and by its driver', async () => {
    const host = FixtureHost.of('jetson-agx-xavier');
    for (const [path, content] of [...host.files]) {
      const twin = path.replace('/drivers/ina3221/', '/devices/');
      if (twin !== path) host.files.set(twin, content);
    }
    for (const address of ['1-0040', '1-0041']) host.files.set(`/sys/bus/i2c/devices/${address}/name`, 'ina3221\n');
    close(await readOnce(host), 12);
  });

  it('is no meter when a needed rail stops telling: the reading fails, it does not shrink', async () => {
    const host = FixtureHost.of('jetson-agx-xavier');
    const open = await (await firstMeter(host)).open();
    host.files.delete('/sys/bus/i2c/drivers/ina3221/1-0041/hwmon/hwmon5/curr3_input');
    await assert.rejects(open.read(), /SYS5V gave no reading/);
  });
});

describe('a battery', () => {
  it('is a meter while it is discharged only', async () => {
    for (const status of ['Charging', 'Full', 'Not charging', 'Unknown']) {
      const host = FixtureHost.of('x86-laptop');
      host.files.set('/sys/class/power_supply/BAT0/status', `${status}\n`);
      assert.deepEqual(await findMeters(host), [], status);
    }
  });

  it('stops telling when the supply is plugged in meanwhile', async () => {
    const host = FixtureHost.of('x86-laptop');
    const open = await (await firstMeter(host)).open();
    host.files.set('/sys/class/power_supply/BAT0/status', 'Charging\n');
    await assert.rejects(open.read(), /not being discharged/);
  });

  it('tells power_now where it counts watt-hours, and negative currents', async () => {
    const host = FixtureHost.of('x86-laptop');
    host.files.set('/sys/class/power_supply/BAT0/current_now', '-750000\n');
    close(await readOnce(host), 8.55);
    host.files.set('/sys/class/power_supply/BAT0/power_now', '9100000\n');
    close(await readOnce(host), 9.1);
  });
});
