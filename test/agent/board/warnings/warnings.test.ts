/** What boards warn of: which sources are found on recorded boards, and what counts as a warning during a window. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findWarnings } from '../../../../agent/board/warnings/find-warnings.ts';
import { flagWarnings, throttledFlags } from '../../../../agent/board/warnings/pi-firmware.ts';
import { type Warning, warningsDuring } from '../../../../agent/board/warnings/warning.ts';
import { type BoardName, FixtureHost } from '../../../support/fixture-host.ts';

async function readAll(host: FixtureHost): Promise<Warning[]> {
  return (await Promise.all((await findWarnings(host)).map((source) => source.read()))).flat();
}

/** Warnings between the board as it is recorded and as it is after a change. */
async function after(host: FixtureHost, change: () => void): Promise<string[]> {
  const sources = await findWarnings(host);
  const before = await Promise.all(sources.map((source) => source.read()));
  change();
  const now = await Promise.all(sources.map((source) => source.read()));
  return sources
    .flatMap((_, i) => warningsDuring([before[i] ?? [], now[i] ?? []]))
    .map(({ kind, what }) => `${kind}: ${what}`);
}

describe('the sources of a recorded board', () => {
  const KINDS: Record<BoardName, string[]> = {
    // Its user may not ask the firmware: the kernel's under-voltage alarm is left.
    'raspberry-pi-3b-plus': ['under-voltage'],
    'raspberry-pi-4': ['throttled', 'under-voltage'],
    'raspberry-pi-5': ['throttled', 'under-voltage'],
    'jetson-nano': ['throttled'],
    'jetson-tx2': ['throttled'],
    'jetson-agx-xavier': ['throttled'],
    'jetson-orin-nano': ['throttled', 'under-voltage'],
    'jetson-agx-orin': ['throttled', 'under-voltage'],
    'x86-laptop': ['throttled'],
    'x86-nuc': ['throttled'],
  };
  for (const [board, kinds] of Object.entries(KINDS))
    it(`${board} tells of ${kinds.join(' and ')}, and of none at rest`, async () => {
      const host = FixtureHost.of(board as BoardName);
      const sources = await findWarnings(host);
      assert.deepEqual([...new Set(sources.flatMap((source) => source.kinds))].sort(), kinds);
      // Fans that turn, offsets that are set, and what happened before this window are no warnings of it.
      assert.deepEqual(await after(host, () => {}), []);
    });

  it('a machine that tells nothing has none', async () => {
    assert.deepEqual(await findWarnings(new FixtureHost()), []);
  });
});

describe('during a window', () => {
  it('a Raspberry Pi: bits that hold now, and bits that were set meanwhile', async () => {
    assert.equal(throttledFlags('throttled=0x50005\n'), 0x50005);
    assert.throws(() => throttledFlags('error'), /printed "error"/);
    // It starts with 0x50000: under-voltage and throttling have occurred before.
    const seen = async (text: string) => {
      const board = FixtureHost.of('raspberry-pi-4');
      return after(board, () => board.commands.set('vcgencmd get_throttled', text));
    };
    assert.deepEqual(await seen('throttled=0x50000\n'), []);
    assert.match(
      (await seen('throttled=0x50005\n')).join(),
      /under-voltage: the supply .*throttled: the firmware throttled/,
    );
    // Capped between two looks, and no longer now.
    assert.deepEqual(await seen('throttled=0x70000\n'), ['throttled: the firmware capped the clock']);
    assert.deepEqual(await seen('throttled=0xd0008\n'), [
      'throttled: the firmware’s soft temperature limit was reached',
    ]);
  });

  it('a Raspberry Pi without rights: the kernel’s alarm', async () => {
    const host = FixtureHost.of('raspberry-pi-3b-plus');
    const seen = await after(host, () => host.files.set('/sys/class/hwmon/hwmon1/in0_lcrit_alarm', '1\n'));
    assert.match(seen.join(), /^under-voltage: the supply/);
  });

  it('a Jetson: cooling that costs speed, not the fan; the over-current guard', async () => {
    const host = FixtureHost.of('jetson-orin-nano');
    const at = (n: number) => `/sys/class/thermal/cooling_device${n}/cur_state`;
    assert.deepEqual(await after(host, () => host.files.set(at(3), '3\n')), []);
    assert.deepEqual(await after(host, () => host.files.set(at(4), '1\n')), [
      'throttled: the board cooled itself by cpu-throttle-alert',
    ]);
    const orin = FixtureHost.of('jetson-agx-orin');
    const oc = '/sys/class/hwmon/hwmon5';
    assert.match((await after(orin, () => orin.files.set(`${oc}/oc3_event_cnt`, '13\n'))).join(), /momentary current/);
    assert.match((await after(orin, () => orin.files.set(`${oc}/oc1_event_cnt`, '1\n'))).join(), /^under-voltage/);
    const nano = FixtureHost.of('jetson-nano');
    assert.match((await after(nano, () => nano.files.set(at(1), '4\n'))).join(), /cpu-balanced/);
  });

  it('an x86 machine: what a core counted before is no warning where it could not be read for a while', async () => {
    const host = FixtureHost.of('x86-nuc');
    const path = '/sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count';
    host.files.set(path, '40\n');
    const sources = await findWarnings(host);
    const read = async () => Promise.all(sources.map((source) => source.read()));
    const during = (first: Warning[][], last: Warning[][]) =>
      first.flatMap((warnings, i) => warningsDuring([warnings, last[i] as Warning[]]));
    host.files.delete(path);
    const offline = await read();
    host.files.set(path, '40\n');
    assert.deepEqual(during(offline, await read()), []);
    // One that goes offline hides no other.
    const online = await read();
    host.files.delete(path);
    host.files.set('/sys/devices/system/cpu/cpu2/thermal_throttle/core_throttle_count', '99\n');
    assert.equal(during(online, await read()).length, 1);
  });

  it('an x86 machine: its counters', async () => {
    const host = FixtureHost.of('x86-nuc');
    const path = '/sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count';
    assert.match((await after(host, () => host.files.set(path, '4\n'))).join(), /^throttled: the processor/);
    assert.equal((await readAll(host)).find(({ what }) => what.startsWith('the processor'))?.count, 8 * 44 + 1);
  });
});

describe('of any readings of flags', () => {
  it('a window warns of a bit exactly if it held at a look or was set between the first and the last', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xfffff }), { minLength: 1, maxLength: 6 }), (flags) => {
        const warned = warningsDuring(flags.map(flagWarnings)).map(({ what }) => what);
        const names = flagWarnings(0).map(({ what }) => what);
        for (const [bit, what] of names.entries()) {
          const held = flags.some((each) => (each >> bit) & 1);
          const occurred = !((flags[0] as number) & (1 << (bit + 16))) && (flags.at(-1) as number) & (1 << (bit + 16));
          assert.equal(warned.includes(what), Boolean(held || occurred));
        }
      }),
    );
  });

  it('without a reading there is no warning', () => assert.deepEqual(warningsDuring([]), []));
});
