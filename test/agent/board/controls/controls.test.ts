/** Clocks, governors and power modes on recorded boards: set, verified, and set back whatever happens. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { boardSetup, offeredClocksKHz, withControls } from '../../../../agent/board/board-setup.ts';
import { ControlJournal, type Undo } from '../../../../agent/board/controls/control-journal.ts';
import { chooseCores, cpuList } from '../../../../agent/board/controls/cores.ts';
import { canSetGovernor, pinClock, settableClocksKHz } from '../../../../agent/board/controls/cpu-clock.ts';
import { currentPowerMode, powerModes } from '../../../../agent/board/controls/power-mode.ts';
import { steadyClocksBy } from '../../../../agent/board/controls/steady-clocks.ts';
import { HostError } from '../../../../agent/board/host.ts';
import { RejectedError } from '../../../../agent/rejected-error.ts';
import { thisMachine } from '../../../../agent/this-machine/agent-board.ts';
import { type BoardName, FixtureHost } from '../../../support/fixture-host.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { forEver, turn } from '../../../support/waiting.ts';

const POLICY = '/sys/devices/system/cpu/cpufreq/policy0';
const limits = (host: FixtureHost, policy = POLICY) =>
  ['min', 'max'].map((name) => Number(host.read(`${policy}/scaling_${name}_freq`)));

const journalAt = (path: string, log: (message: string) => unknown = assert.fail) =>
  new ControlJournal(path, plainLogger(log));

/** The kernel refuses a lower limit above the upper one (cpufreq_set_policy, -EINVAL). */
function refuseCrossedLimits(host: FixtureHost): void {
  const before = new Map(host.files);
  host.onWrite = (path, text) => {
    const policy = path.slice(0, path.lastIndexOf('/'));
    const [lower = 0, upper = 0] = limits(host, policy);
    if (lower <= upper) return before.set(path, text);
    host.files.set(path, before.get(path) as string);
    throw new HostError('failed', `${path}: EINVAL`);
  };
}

describe('clocks that can be set', () => {
  const SETTABLE: Record<string, (clocks: number[]) => void> = {
    'raspberry-pi-4': (clocks) => assert.deepEqual([clocks.length, clocks[0], clocks.at(-1)], [13, 600_000, 1_800_000]),
    'jetson-agx-xavier': (clocks) => assert.deepEqual([clocks[0], clocks.at(-1)], [115_200, 2_265_600]),
    // Without a table: the lowest and the base clock; turbo clocks do not hold.
    'x86-nuc': (clocks) => assert.deepEqual(clocks, [400_000, 2_800_000]),
    // No rights.
    'x86-laptop': (clocks) => assert.deepEqual(clocks, []),
    'raspberry-pi-3b-plus': (clocks) => assert.deepEqual(clocks, []),
  };
  for (const [board, check] of Object.entries(SETTABLE))
    it(`of ${board}`, () => check(settableClocksKHz(FixtureHost.of(board as BoardName))));

  it('only those that all clusters have', () => {
    const host = FixtureHost.of('jetson-tx2');
    host.files.set('/sys/devices/system/cpu/cpufreq/policy3/scaling_available_frequencies', '345600 499200 2035200\n');
    assert.deepEqual(settableClocksKHz(host), [345_600, 499_200, 2_035_200]);
  });

  it('none where the agent keeps no journal, or on a machine without cpufreq', (t) => {
    assert.deepEqual(offeredClocksKHz(boardSetup({ host: FixtureHost.of('raspberry-pi-4') })), []);
    assert.deepEqual(offeredClocksKHz(boardSetup({ host: new FixtureHost(), dataDirectory: temporaryFolder(t) })), []);
  });
});

describe('a pinned clock', () => {
  it('is both limits of every policy while the work is done, and set back after it', async (t) => {
    const host = FixtureHost.of('jetson-agx-xavier');
    refuseCrossedLimits(host);
    const setup = boardSetup({ host, dataDirectory: temporaryFolder(t) });
    for (const clock of [115_200, 1_190_400, 2_265_600]) {
      const during = await withControls(setup, clock, async () =>
        [0, 2, 4, 6].map((n) => limits(host, POLICY.replace('0', `${n}`))),
      );
      assert.deepEqual(
        during,
        Array.from({ length: 4 }, () => [clock, clock]),
      );
      assert.deepEqual(limits(host), [115_200, 2_265_600]);
    }
  });

  it('is set back when the work fails', async (t) => {
    const host = FixtureHost.of('raspberry-pi-5');
    const setup = boardSetup({ host, dataDirectory: temporaryFolder(t) });
    const failing = withControls(setup, 1_800_000, () => Promise.reject(new Error('the model crashed')));
    await assert.rejects(failing, /the model crashed/);
    assert.deepEqual(limits(host), [1_500_000, 2_400_000]);
  });

  it('is set back by the next agent when this one is killed', async (t) => {
    const folder = temporaryFolder(t);
    const host = FixtureHost.of('raspberry-pi-5');
    refuseCrossedLimits(host);
    const path = join(folder, 'board-controls.json');
    // Killed in the middle of the work: what is on disk is all that is left.
    void journalAt(path).during(host, [pinClock(host, 2_000_000)], () => forEver());
    await turn();
    assert.deepEqual(limits(host), [2_000_000, 2_000_000]);
    assert.ok(existsSync(path));
    assert.equal(await journalAt(path).restore(host), 2);
    assert.deepEqual(limits(host), [1_500_000, 2_400_000]);
    assert.ok(!existsSync(path));
    assert.equal(await journalAt(path).restore(host), 0);
  });

  it('is written down before the board is touched', async (t) => {
    const folder = temporaryFolder(t);
    const host = FixtureHost.of('raspberry-pi-5');
    const path = join(folder, 'board-controls.json');
    let atFirstWrite = '';
    host.onWrite = () => {
      atFirstWrite ||= readFileSync(path, 'utf8');
    };
    await journalAt(path).during(host, [pinClock(host, 2_000_000)], async () => {});
    assert.match(atFirstWrite, /scaling_min_freq","text":"1500000"/);
  });

  it('that the board does not take is refused, and nothing is left changed', async (t) => {
    const host = FixtureHost.of('raspberry-pi-5');
    // Firmware that clamps to its own limit.
    host.onWrite = (file, text) => {
      if (Number(text) > 1_800_000 && file.endsWith('max_freq')) host.files.set(file, '1800000');
    };
    const setup = boardSetup({ host, dataDirectory: temporaryFolder(t) });
    await assert.rejects(
      withControls(setup, 2_000_000, async () => assert.fail('no work at a wrong clock')),
      /took .*1800000 kHz instead of 2000000 kHz/,
    );
    assert.equal(limits(host)[0], 1_500_000);
  });

  it('that cannot be set back stays in the journal and is named; the work is done all the same', async (t) => {
    const folder = temporaryFolder(t);
    const host = FixtureHost.of('raspberry-pi-5');
    const path = join(folder, 'board-controls.json');
    const said: string[] = [];
    const work = async () => {
      host.writable.clear();
      return 'measured';
    };
    const journal = journalAt(path, (message) => said.push(message));
    assert.equal(await journal.during(host, [pinClock(host, 2_000_000)], work), 'measured');
    assert.match(said.join(), /could not set back .*scaling_max_freq/);
    for (const name of ['min', 'max']) host.writable.add(`${POLICY}/scaling_${name}_freq`);
    assert.equal(await journalAt(path).restore(host), 2);
  });

  it('is set although the journal is damaged, which is set aside', async (t) => {
    const folder = temporaryFolder(t, { 'board-controls.json': '{"version":1,' });
    const host = FixtureHost.of('raspberry-pi-5');
    const said: string[] = [];
    const journal = journalAt(join(folder, 'board-controls.json'), (message) => said.push(message));
    await journal.during(host, [pinClock(host, 2_000_000)], async () =>
      assert.deepEqual(limits(host), [2_000_000, 2_000_000]),
    );
    assert.deepEqual(limits(host), [1_500_000, 2_400_000]);
    assert.deepEqual(readdirSync(folder), ['board-controls.json.damaged']);
    assert.match(said.join(), /is damaged: it was set aside as board-controls\.json\.damaged/);
  });

  it('is forgotten when the board was started anew: the kernel has set it back', async (t) => {
    const path = join(temporaryFolder(t), 'board-controls.json');
    const host = FixtureHost.of('jetson-agx-xavier');
    const mode: Undo = { kind: 'run', command: 'nvpmodel', args: ['-m', '2'], outlivesBoot: true };
    const change = { undo: [...pinClock(host, 1_190_400).undo, mode], apply: async () => {} };
    void journalAt(path).during(host, [change], () => forEver());
    host.files.set('/proc/sys/kernel/random/boot_id', 'another-boot\n');
    host.commands.set('nvpmodel -m 2', '');
    assert.equal(await journalAt(path).restore(host), 1);
    assert.deepEqual(
      host.log.filter((line) => line.startsWith('nvpmodel -m')),
      ['nvpmodel -m 2'],
    );
  });
});

describe('a Jetson’s power mode', () => {
  it('is read with its number, and so are those that there are', async () => {
    const host = FixtureHost.of('jetson-agx-xavier');
    assert.deepEqual(await currentPowerMode(host), { id: 2, name: 'MODE_15W' });
    assert.deepEqual(
      (await powerModes(host)).map(({ name }) => name),
      ['MAXN', 'MODE_10W', 'MODE_15W', 'MODE_30W_ALL'],
    );
    assert.equal(await currentPowerMode(FixtureHost.of('x86-nuc')), null);
    assert.deepEqual(await powerModes(FixtureHost.of('jetson-nano')), []);
  });

  /** A board that does what nvpmodel is told, unless the mode needs a restart. */
  function obedient(host: FixtureHost, needRestart: number[] = []): void {
    for (const [id, name] of [
      [0, 'MAXN'],
      [2, 'MODE_15W'],
      [3, 'MODE_30W_ALL'],
    ] as const)
      host.commands.set(`nvpmodel -m ${id}`, () => {
        if (!needRestart.includes(id)) host.commands.set('nvpmodel -q', `NV Power Mode: ${name}\n${id}\n`);
        return '';
      });
  }

  it('is changed for the work and back after it', async (t) => {
    const host = FixtureHost.of('jetson-agx-xavier');
    obedient(host);
    const setup = boardSetup({ host, powerMode: 'MAXN', dataDirectory: temporaryFolder(t) });
    const during = await withControls(setup, null, () => currentPowerMode(host));
    assert.equal(during?.name, 'MAXN');
    assert.equal((await currentPowerMode(host))?.name, 'MODE_15W');
  });

  it('that needs a restart is refused, as is one that there is not', async (t) => {
    const host = FixtureHost.of('jetson-agx-xavier');
    obedient(host, [3]);
    const setup = (powerMode: string) => boardSetup({ host, powerMode, dataDirectory: temporaryFolder(t) });
    await assert.rejects(
      withControls(setup('MODE_30W_ALL'), null, async () => {}),
      /stayed in power mode MODE_15W/,
    );
    await assert.rejects(
      withControls(setup('40W'), null, async () => {}),
      /it has MAXN, MODE_10W/,
    );
    const pi = boardSetup({
      host: FixtureHost.of('raspberry-pi-4'),
      powerMode: '40W',
      dataDirectory: temporaryFolder(t),
    });
    await assert.rejects(
      withControls(pi, null, async () => {}),
      /has no power modes/,
    );
  });
});

describe('steady clocks', () => {
  it('are jetson_clocks on a Jetson, stored before and restored after', async (t) => {
    const host = FixtureHost.of('jetson-orin-nano');
    const dataDirectory = temporaryFolder(t);
    const store = join(dataDirectory, 'jetson-clocks.conf');
    host.commands.set(`jetson_clocks --store ${store}`, '').set(`jetson_clocks --restore ${store}`, '');
    await withControls(
      boardSetup({ host, steadyClocks: true, dataDirectory }),
      null,
      async () => void host.log.push('work'),
    );
    const ran = host.log.filter((line) => line === 'work' || line.startsWith('jetson_clocks'));
    assert.deepEqual(ran, [
      'jetson_clocks --show',
      `jetson_clocks --store ${store}`,
      'jetson_clocks',
      'work',
      `jetson_clocks --restore ${store}`,
    ]);
  });

  it('are the governor performance elsewhere', async (t) => {
    const host = FixtureHost.of('raspberry-pi-4');
    const setup = boardSetup({ host, steadyClocks: true, dataDirectory: temporaryFolder(t) });
    assert.equal(await withControls(setup, null, async () => host.read(`${POLICY}/scaling_governor`)), 'performance');
    assert.equal(host.read(`${POLICY}/scaling_governor`), 'ondemand');
  });

  it('are refused where this user may set neither', async (t) => {
    for (const board of ['jetson-nano', 'x86-laptop', 'jetson-agx-orin'] as const) {
      const host = FixtureHost.of(board);
      assert.equal(await steadyClocksBy(host), null, board);
      assert.equal(canSetGovernor(host), false);
      const setup = boardSetup({ host, steadyClocks: true, dataDirectory: temporaryFolder(t) });
      await assert.rejects(
        withControls(setup, null, async () => {}),
        /may set neither/,
      );
    }
  });
});

describe('what the board does not take', () => {
  it('is refused for good; what the work throws is passed on as it is', async (t) => {
    const host = FixtureHost.of('raspberry-pi-4');
    host.onWrite = (path) => void host.files.set(path, '600000');
    const setup = boardSetup({ host, dataDirectory: temporaryFolder(t) });
    await assert.rejects(
      withControls(setup, 1_200_000, async () => {}),
      (error: Error) => error instanceof RejectedError && /cannot be set as asked: .*600000 kHz/.test(error.message),
    );
    const own = new HostError('failed', 'of the work');
    const untouched = boardSetup({ host: FixtureHost.of('raspberry-pi-4'), dataDirectory: temporaryFolder(t) });
    await assert.rejects(
      withControls(untouched, 1_200_000, () => Promise.reject(own)),
      (error) => error === own,
    );
  });

  it('a board is described in the mode in which it is measured', async (t) => {
    const host = FixtureHost.of('jetson-agx-xavier');
    const online = '/sys/devices/system/cpu/online';
    for (const [id, name, cpus] of [
      [0, 'MAXN', '0-7'],
      [2, 'MODE_15W', '0-3'],
    ] as const)
      host.commands.set(`nvpmodel -m ${id}`, () => {
        host.commands.set('nvpmodel -q', `NV Power Mode: ${name}\n${id}\n`);
        host.files.set(online, `${cpus}\n`);
        return '';
      });
    host.files.set(online, '0-3\n');
    const board = thisMachine({ host, powerMode: 'MAXN', dataDirectory: temporaryFolder(t) });
    assert.equal((await board.describe()).powerMode, 'MAXN');
    assert.equal(host.read(online), '0-3');
    const switched = host.log.filter((line) => line.startsWith('nvpmodel -m'));
    assert.deepEqual(switched, ['nvpmodel -m 0', 'nvpmodel -m 2']);
  });
});

describe('the cores of a measurement', () => {
  it('are those that are on: a power mode has switched off the Denver cores of this TX2', () => {
    assert.deepEqual(chooseCores(FixtureHost.of('jetson-tx2'), 4), [0, 3, 4, 5]);
  });

  it('are whole cores first, second threads last', () => {
    assert.deepEqual(chooseCores(FixtureHost.of('x86-nuc'), 6), [0, 1, 2, 3, 4, 5]);
    const host = FixtureHost.of('x86-nuc');
    for (const cpu of [0, 1, 2, 3, 4, 5, 6, 7])
      host.files.set(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, `${cpu & ~1}-${cpu | 1}\n`);
    assert.deepEqual(chooseCores(host, 6), [0, 2, 4, 6, 1, 3]);
  });

  it('are the fast ones of a board with two kinds', () => {
    const host = FixtureHost.of('raspberry-pi-4');
    for (const [cpu, capacity] of [
      [0, 400],
      [1, 400],
      [2, 1024],
      [3, 1024],
    ] as const)
      host.files.set(`/sys/devices/system/cpu/cpu${cpu}/cpu_capacity`, `${capacity}\n`);
    assert.deepEqual(chooseCores(host, 3), [2, 3, 0]);
  });

  it('are unknown where /proc does not tell', () => {
    assert.equal(chooseCores(new FixtureHost(), 2), null);
    assert.deepEqual(cpuList('0-2,5,7-8'), [0, 1, 2, 5, 7, 8]);
  });
});
