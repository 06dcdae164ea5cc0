/** The contract of all probes, on every recorded board: what is found, what is missing, and that nothing trips them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  busyCpuSeconds,
  clockRangeKHz,
  currentClockKHz,
  governor,
  heldClockKHz,
  temperatureC,
} from '../../../agent/board/conditions.ts';
import { chooseCores } from '../../../agent/board/controls/cores.ts';
import { HostError } from '../../../agent/board/host.ts';
import { findMeters } from '../../../agent/board/power/find-meters.ts';
import { type BoardProbe, probeBoard } from '../../../agent/board/probe-board.ts';
import { findWarnings } from '../../../agent/board/warnings/find-warnings.ts';
import { BOARDS, type BoardName, boardFixture, FixtureHost } from '../../support/fixture-host.ts';

interface Expectation {
  meter: string | null;
  clocks: number;
  steady: BoardProbe['steadyClocksBy'];
  powerMode: string | null;
  missing: string[];
  temperatureC: number;
  clockKHz: number;
}

const EXPECTED: Record<BoardName, Expectation> = {
  'raspberry-pi-3b-plus': {
    meter: 'INA219',
    clocks: 0,
    steady: null,
    powerMode: null,
    missing: [
      'throttling, under-voltage and (Raspberry Pi 5) power by the firmware',
      'whether the board throttles',
      'setting clocks and the governor',
      'memory limits',
    ],
    temperatureC: 48.312,
    clockKHz: 600_000,
  },
  'raspberry-pi-4': {
    meter: null,
    clocks: 13,
    steady: 'governor',
    powerMode: null,
    missing: ['power', 'memory limits'],
    temperatureC: 51.608,
    clockKHz: 1_800_000,
  },
  'raspberry-pi-5': {
    meter: 'Raspberry Pi 5 PMIC',
    clocks: 10,
    steady: 'governor',
    powerMode: null,
    missing: [],
    temperatureC: 47.4,
    clockKHz: 1_500_000,
  },
  'jetson-nano': {
    meter: 'INA3221 (POM_5V_IN)',
    clocks: 0,
    steady: null,
    powerMode: 'MAXN',
    missing: ['setting clocks and the governor', 'changing the power mode'],
    // Not the 100 °C that PMIC-Die always says.
    temperatureC: 41.5,
    clockKHz: 1_479_000,
  },
  'jetson-tx2': {
    meter: 'INA3221 (VDD_IN)',
    clocks: 12,
    steady: 'jetson_clocks',
    powerMode: 'MAXP_CORE_ARM',
    missing: [],
    temperatureC: 38.5,
    clockKHz: 2_035_200,
  },
  'jetson-agx-xavier': {
    meter: 'INA3221 (GPU + CPU + SOC + CV + VDDRQ + SYS5V)',
    clocks: 29,
    steady: 'jetson_clocks',
    powerMode: 'MODE_15W',
    missing: [],
    temperatureC: 36.5,
    clockKHz: 1_190_400,
  },
  'jetson-orin-nano': {
    meter: 'INA3221 (VDD_IN)',
    clocks: 20,
    steady: 'jetson_clocks',
    powerMode: '15W',
    missing: [],
    temperatureC: 49.093,
    clockKHz: 729_600,
  },
  'jetson-agx-orin': {
    meter: 'INA3221 (VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0 + VDDQ_VDD2_1V8AO)',
    clocks: 0,
    steady: null,
    powerMode: 'MODE_30W',
    missing: ['setting clocks and the governor', 'changing the power mode'],
    temperatureC: 45.093,
    clockKHz: 729_600,
  },
  'x86-laptop': {
    meter: 'battery',
    clocks: 0,
    steady: null,
    powerMode: null,
    missing: ['setting clocks and the governor'],
    temperatureC: 52,
    clockKHz: 1_800_000,
  },
  'x86-nuc': {
    meter: 'RAPL (processor)',
    clocks: 2,
    steady: 'governor',
    powerMode: null,
    missing: [],
    temperatureC: 44,
    clockKHz: 2_800_000,
  },
};

/** Everything that looks at a board; what it finds must be absent or sound, whatever the board answers. */
async function lookAtEverything(host: FixtureHost): Promise<void> {
  await probeBoard(host);
  for (const value of [
    temperatureC(host),
    currentClockKHz(host),
    busyCpuSeconds(host),
    heldClockKHz(host),
    ...Object.values(clockRangeKHz(host)),
  ])
    assert.ok(value === null || Number.isFinite(value), `${value}`);
  governor(host);
  assert.ok(chooseCores(host, 2)?.every(Number.isInteger) ?? true);
  for (const meter of await findMeters(host)) {
    const open = await meter.open();
    const reading = await open.read();
    assert.ok(Number.isFinite(reading) && reading >= 0, `${meter.name} says ${reading}`);
    await open.close();
  }
  for (const source of await findWarnings(host)) {
    const warnings = await source.read();
    assert.ok(warnings.every(({ count, active }) => Number.isFinite(count) && typeof active === 'boolean'));
  }
}

for (const name of BOARDS) {
  describe(name, () => {
    it('is probed as it is', async () => {
      const host = FixtureHost.of(name);
      const probe = await probeBoard(host);
      const found: Expectation = {
        meter: probe.meters[0]?.name ?? null,
        clocks: probe.settableClocksKHz.length,
        steady: probe.steadyClocksBy,
        powerMode: probe.powerMode?.name ?? null,
        missing: probe.missing.map(({ what }) => what),
        temperatureC: temperatureC(host) as number,
        clockKHz: currentClockKHz(host) as number,
      };
      assert.deepEqual(found, EXPECTED[name]);
      assert.ok(probe.missing.every(({ why, how }) => why.length > 0 && how.length > 0));
      await lookAtEverything(host);
    });

    it('names where each format is documented', () => {
      const { sources, board } = boardFixture(name);
      assert.ok(board.length > 0 && Object.keys(sources).length >= 4);
      assert.ok(Object.values(sources).every((source) => /https:\/\//.test(source)));
    });

    it('trips nothing when a file is missing', async () => {
      for (const path of FixtureHost.of(name).files.keys()) {
        const host = FixtureHost.of(name);
        host.files.delete(path);
        await lookAtEverything(host);
      }
    });

    it('trips nothing when a file may not be read, is empty, or holds nan', async () => {
      for (const path of FixtureHost.of(name).files.keys()) {
        const denied = FixtureHost.of(name);
        denied.denied.add(path);
        await lookAtEverything(denied);
        for (const text of ['', 'nan\n']) {
          const host = FixtureHost.of(name);
          host.files.set(path, text);
          await lookAtEverything(host);
        }
      }
    });

    it('trips nothing when a command fails, is missing or prints nonsense', async () => {
      for (const line of FixtureHost.of(name).commands.keys()) {
        const failing = FixtureHost.of(name);
        failing.failing.set(line, 'Permission denied');
        await lookAtEverything(failing);
        const missing = FixtureHost.of(name);
        missing.commands.delete(line);
        await lookAtEverything(missing);
        const nonsense = FixtureHost.of(name);
        nonsense.commands.set(line, 'nan \0 = () \n'.repeat(3));
        await lookAtEverything(nonsense);
      }
    });

    it('measures the same when the kernel numbers its sensors otherwise', async () => {
      const host = FixtureHost.of(name);
      for (const n of [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
        host.rename(`/sys/class/hwmon/hwmon${n}`, `/sys/class/hwmon/hwmon${n + 20}`);
      for (const chip of ['1-0040', '1-0041'])
        for (const n of [0, 1, 2, 3, 4, 5]) {
          const folder = `/sys/bus/i2c/drivers/ina3221/${chip}/hwmon`;
          host.rename(`${folder}/hwmon${n}`, `${folder}/hwmon${n + 20}`);
        }
      assert.deepEqual(await probeBoard(host), await probeBoard(FixtureHost.of(name)));
    });
  });
}

describe('what is missing', () => {
  const howTo = async (host: FixtureHost, what: RegExp) =>
    (await probeBoard(host)).missing.find((missing) => what.test(missing.what))?.how ?? '';

  it('comes with how to get it', async () => {
    assert.match(await howTo(FixtureHost.of('raspberry-pi-3b-plus'), /firmware/), /group video/);
    assert.match(await howTo(FixtureHost.of('raspberry-pi-4'), /^power$/), /dtoverlay=i2c-sensor,ina219/);
    assert.match(await howTo(FixtureHost.of('raspberry-pi-4'), /memory/), /cgroup_enable=memory cgroup_memory=1/);
    assert.match(await howTo(FixtureHost.of('x86-laptop'), /clocks/), /chgrp .*scaling_/);
    const laptop = FixtureHost.of('x86-laptop');
    laptop.files.set('/sys/class/power_supply/BAT0/status', 'Charging\n');
    assert.match(await howTo(laptop, /^power$/), /energy_uj/);
    assert.match(await howTo(new FixtureHost(), /^power$/), /--power-plug/);
  });
});

describe('the clock that a busy core must hold', () => {
  it('is what it is pinned to, or the upper limit under the governor performance; turbo clocks need not hold', () => {
    const host = FixtureHost.of('raspberry-pi-4');
    const policy = '/sys/devices/system/cpu/cpufreq/policy0';
    assert.equal(heldClockKHz(host), null);
    host.files.set(`${policy}/scaling_governor`, 'performance\n');
    assert.equal(heldClockKHz(host), 1_800_000);
    const nuc = FixtureHost.of('x86-nuc');
    for (const n of [0, 1, 2, 3, 4, 5, 6, 7])
      nuc.files.set(`${policy.slice(0, -1)}${n}/scaling_governor`, 'performance\n');
    assert.equal(heldClockKHz(nuc), null);
    for (const n of [0, 1, 2, 3, 4, 5, 6, 7])
      for (const limit of ['min', 'max'])
        nuc.files.set(`${policy.slice(0, -1)}${n}/scaling_${limit}_freq`, '2800000\n');
    assert.equal(heldClockKHz(nuc), 2_800_000);
  });
});

describe('the recorded host', () => {
  it('tells missing from denied, as a real one does', () => {
    const host = new FixtureHost({ files: { '/a': '1' }, denied: ['/b'] });
    const codeOf = (path: string) => {
      try {
        return host.read(path);
      } catch (error) {
        return error instanceof HostError ? error.code : 'other';
      }
    };
    assert.deepEqual(['/a', '/b', '/c'].map(codeOf), ['1', 'denied', 'missing']);
  });
});
