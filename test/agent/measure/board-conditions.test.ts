/**
 * Real measurements on this machine with parts of another board laid over it: throttling, a power sensor, clocks that can
 * be set.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { boardDescriptionSchema, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import { measurementSchema } from '@edgetune/shared/domain/measurement.ts';
import { type MeasureRequest, measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { boardSetup } from '../../../agent/board/board-setup.ts';
import type { Host } from '../../../agent/board/host.ts';
import { systemHost } from '../../../agent/board/system-host.ts';
import { measureModel } from '../../../agent/measure/measure-model.ts';
import { describeBoard } from '../../../agent/this-machine/describe-board.ts';
import { OnnxGraphBuilder } from '../../../coordinator/export/onnx-graph-builder.ts';
import { type BoardName, FixtureHost } from '../../support/fixture-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const machine = systemHost();

interface Overlay {
  host: Host;
  fixture: FixtureHost;
  /** Seconds that were waited for the board to become fit again. */
  waitedS(): number;
}

/** This machine, and the sensors, clocks and commands of a recorded board. Waits of a second are not waited. */
function overlay(name: BoardName): Overlay {
  const fixture = FixtureHost.of(name);
  const ofBoard = (path: string) => path.startsWith('/sys/') && !path.startsWith('/sys/fs/');
  let waitedMs = 0;
  const host: Host = {
    ...machine,
    read: (path) => (ofBoard(path) ? fixture.read(path) : machine.read(path)),
    list: (path) => (ofBoard(path) ? fixture.list(path) : machine.list(path)),
    write: (path, text) => (ofBoard(path) ? fixture.write(path, text) : machine.write(path, text)),
    canWrite: (path) => (ofBoard(path) ? fixture.canWrite(path) : machine.canWrite(path)),
    run: (command, args) => fixture.run(command, args),
    nowMs: () => machine.nowMs() + waitedMs,
    sleep: async (ms, signal) => {
      if (ms !== 1000) return machine.sleep(ms, signal);
      signal?.throwIfAborted();
      waitedMs += ms;
    },
  };
  return { host, fixture, waitedS: () => waitedMs / 1000 };
}

function request(modelPath: string, clockKHz: number | null = null) {
  const bytes = readFileSync(modelPath);
  return measureRequestSchema.parse({
    kind: 'measure',
    modelSha256: createHash('sha256').update(bytes).digest('hex'),
    modelBytes: bytes.length,
    signature: 'test',
    config: { batchSize: 1, threads: 1, clockKHz },
    scenario: { kind: 'single-stream' },
    stopRule: { warmupRuns: 1, minRuns: 5, minDurationMs: 100, maxDurationMs: 10_000 },
  });
}

const lasting = (order: MeasureRequest, minDurationMs: number): MeasureRequest => ({
  ...order,
  stopRule: { ...order.stopRule, minDurationMs },
});

function writeModel(t: TestContext): string {
  const builder = new OnnxGraphBuilder();
  builder.node('Relu', ['input'], {}, 'output');
  const dims = ['batch', 64, 64];
  const path = join(temporaryFolder(t), 'model.onnx');
  writeFileSync(
    path,
    builder.finish({ input: { name: 'input', dims }, output: { name: 'output', dims }, metadata: {} }),
  );
  return path;
}

const signal = new AbortController().signal;

describe('a throttled board', () => {
  it('is measured again when it is cool, three times at most; then the measurement is invalid', async (t) => {
    const { host, fixture, waitedS } = overlay('raspberry-pi-4');
    fixture.commands.set('vcgencmd get_throttled', 'throttled=0x50004\n');
    fixture.files.set('/sys/class/thermal/thermal_zone0/temp', () => '80000\n');
    const modelPath = writeModel(t);
    let begun = 0;
    let progress = 0;
    const mayBegin = async () => void begun++;
    const onProgress = () => void progress++;
    const setup = boardSetup({ host, toleratesLoad: true });
    const board = await describeBoard(setup);
    const measurement = await measureModel(
      request(modelPath),
      { board, modelPath, signal, mayBegin, onProgress },
      setup,
    );
    assert.equal(measurement.outcome, 'invalid');
    assert.equal(measurement.reason, 'throttled: the firmware throttled the processor (3 attempts)');
    assert.deepEqual([measurement.attempts, begun], [3, 3]);
    assert.deepEqual([measurement.conditions.throttled, measurement.conditions.underVoltage], [true, false]);
    assert.ok(measurement.latencyMs, 'what was measured is kept as evidence');
    // It is as warm as it began: one look each time is enough.
    assert.deepEqual([waitedS(), progress], [2, 2]);
    assert.deepEqual(
      [measurement.energy, measurement.energyAbsence],
      [null, 'this board has no power meter that the agent can read'],
    );
    measurementSchema.parse(measurement);
  });
});

describe('a board with a power sensor', () => {
  it('reports net and gross energy, the idle power, and how often it was read', async (t) => {
    const { host, fixture } = overlay('raspberry-pi-3b-plus');
    const setup = boardSetup({ host, toleratesLoad: true });
    const board = await describeBoard(setup);
    // 3 W until the idle time is over, which is when the warnings are read for the first time; then 7 W.
    let isMeasuring = false;
    fixture.files.set('/sys/class/hwmon/hwmon2/power1_input', () => (isMeasuring ? '7000000\n' : '3000000\n'));
    let looks = 0;
    fixture.files.set('/sys/class/hwmon/hwmon1/in0_lcrit_alarm', () => {
      // The first look finds the alarm.
      if (++looks > 1) isMeasuring = true;
      return '0\n';
    });
    const modelPath = writeModel(t);
    const measurement = await measureModel(lasting(request(modelPath), 1000), { board, modelPath, signal }, setup);
    assert.deepEqual([measurement.outcome, measurement.reason], ['ok', null]);
    const { energy } = measurement;
    assert.ok(energy, measurement.energyAbsence ?? '');
    assert.deepEqual([energy.source, energy.meter, energy.idlePowerW?.toFixed(6)], ['meter', 'INA219', '3.000000']);
    assert.ok(Math.abs(energy.meanPowerW - 7) < 0.5, `${energy.meanPowerW} W`);
    const seconds = 1 / (measurement.throughputPerS ?? 0);
    assert.ok(Math.abs(energy.netJ / (energy.grossJ - 3 * seconds) - 1) < 0.1, 'net is gross less idle');
    assert.ok(energy.sampleCount >= 3 && (energy.sampleRateHz ?? 0) > 1);
    measurementSchema.parse(measurement);
  });
});

describe('a board whose clock can be set', () => {
  const policy = '/sys/devices/system/cpu/cpufreq/policy0';

  it('runs at the clock that is asked for, and as before afterwards', async (t) => {
    const { host, fixture } = overlay('raspberry-pi-4');
    // A clock that follows its limits.
    for (const name of ['scaling_cur_freq', 'cpuinfo_cur_freq'])
      fixture.files.set(`${policy}/${name}`, () => fixture.read(`${policy}/scaling_min_freq`));
    const setup = boardSetup({ host, toleratesLoad: true, dataDirectory: temporaryFolder(t) });
    const described = boardDescriptionSchema.parse(await describeBoard(setup));
    assert.equal(described.settableClocksKHz.length, 13);
    const modelPath = writeModel(t);
    const context = { board: described, modelPath, signal };
    const measurement = await measureModel(lasting(request(modelPath, 1_200_000), 500), context, setup);
    assert.equal(measurement.outcome, 'ok');
    const { clockKHzBefore, clockKHzDuring, clockKHzLowest } = measurement.conditions;
    assert.deepEqual([clockKHzBefore, clockKHzDuring, clockKHzLowest], [1_200_000, 1_200_000, 1_200_000]);
    assert.equal(fixture.read(`${policy}/scaling_min_freq`), '600000');
    assert.equal(fixture.read(`${policy}/scaling_max_freq`), '1800000');
  });

  it('or cannot be set: a clock that is asked for is refused, with what to do', async (t) => {
    const { host } = overlay('x86-laptop');
    const setup = boardSetup({ host, dataDirectory: temporaryFolder(t) });
    const described = await describeBoard(setup);
    assert.deepEqual(described.settableClocksKHz, []);
    const modelPath = writeModel(t);
    await assert.rejects(
      measureModel(request(modelPath, 2_000_000), { board: described, modelPath, signal }, setup),
      /the clock cannot be set to 2000000 kHz: the agent on this board may not set clocks \(edgetune-agent doctor says why\)/,
    );
  });
});

describe('a board that is set otherwise while it is measured', () => {
  const governor = '/sys/devices/system/cpu/cpufreq/policy0/scaling_governor';

  async function measuredAcross(t: TestContext, set: (under: Overlay, window: number) => void, canDescribe = true) {
    const under = overlay('raspberry-pi-4');
    const modelPath = writeModel(t);
    const setup = boardSetup({ host: under.host, toleratesLoad: true });
    const board = await describeBoard(setup);
    let windows = 0;
    const mayBegin = async () => set(under, ++windows);
    const context = {
      board,
      modelPath,
      signal,
      mayBegin,
      ...(canDescribe ? { describe: () => describeBoard(setup) } : {}),
    };
    const measurement = measurementSchema.parse(await measureModel(request(modelPath), context, setup));
    return { measurement, windows, before: deviceClassOf(board), now: deviceClassOf(await describeBoard(setup)) };
  }

  it('describes itself anew and is measured again: the measurement is of the class that it has become', async (t) => {
    const { measurement, windows, before, now } = await measuredAcross(t, ({ fixture }, window) => {
      if (window === 1) fixture.files.set(governor, 'performance');
    });
    assert.deepEqual([measurement.outcome, measurement.attempts, windows], ['ok', 2, 2]);
    assert.equal(measurement.deviceClass, now);
    assert.notEqual(now, before);
    assert.equal(measurement.conditions.governor, 'performance');
  });

  it('changes in the middle of the window: the same', async (t) => {
    const { measurement, windows, now } = await measuredAcross(t, ({ fixture }, window) => {
      let looks = 0;
      // As it is described, and at the beginning of the window; then another.
      fixture.files.set(governor, () => (window === 1 && ++looks <= 1 ? 'ondemand' : 'performance'));
    });
    assert.deepEqual([measurement.outcome, windows, measurement.deviceClass], ['ok', 2, now]);
  });

  it('in a power mode that changes: the measurement is invalid, with the words, where it cannot be described anew', async (t) => {
    const { measurement, windows, before } = await measuredAcross(
      t,
      ({ fixture }) => fixture.commands.set('nvpmodel -q', 'NV Power Mode: MAXN\n0\n'),
      false,
    );
    assert.deepEqual(
      [measurement.outcome, measurement.reason, windows],
      ['invalid', 'the power mode changed while it ran (null → MAXN)', 1],
    );
    assert.equal(measurement.deviceClass, before);
  });

  it('again and again is measured three times, and then is invalid', async (t) => {
    const { measurement, windows } = await measuredAcross(t, ({ fixture }, window) =>
      fixture.files.set(governor, `governor-${window}`),
    );
    assert.deepEqual([measurement.outcome, measurement.attempts, windows], ['invalid', 3, 3]);
    assert.match(
      measurement.reason ?? '',
      /^the board's clocks or governor changed while it ran \(cores 0: governor-2, 600 to 1800 MHz → cores 0: governor-3, .*\) \(3 attempts\)$/,
    );
  });
});
