/** A config and the graph that comes with it have to agree, on a real board and on a simulated one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import { measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import type { Runner } from '../../../agent/runners/runner.ts';
import { simulatedBoard } from '../../../agent/simulated/simulated-agent-board.ts';
import { type AgentBoard, thisMachine } from '../../../agent/this-machine/agent-board.ts';
import { FixtureHost } from '../../support/fixture-host.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const float = buildOnnx({
  inputs: [{ name: 'x', shape: ['batch', 4] }],
  outputs: ['y'],
  initializers: [{ name: 'w', dims: [4, 4] }],
  nodes: [{ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
});
const int8 = buildOnnx({
  inputs: [{ name: 'x', shape: ['batch', 4] }],
  outputs: ['y'],
  initializers: [
    { name: 's', dims: [] },
    { name: 'z', dims: [], dataType: 2 },
  ],
  nodes: [
    { opType: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
    { opType: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'] },
  ],
});

const boards: Record<string, () => AgentBoard> = {
  'this machine': () => thisMachine(),
  'a simulated board': () => simulatedBoard({ profile: 'raspberry-pi-5', timeScale: 0, seed: 1 }),
};

for (const [name, makeBoard] of Object.entries(boards))
  describe(name, () => {
    const cases: [Uint8Array, Precision, RegExp][] = [
      [float, 'int8', /computes in float32, not in int8: quantise it first/],
      [int8, 'float32', /computes in int8, not in float32: ask for int8/],
    ];
    for (const [model, precision, message] of cases)
      it(`rejects a config in ${precision} with a graph in another precision`, async (t) => {
        const modelPath = join(temporaryFolder(t, { 'model.onnx': model }), 'model.onnx');
        const request = measureRequestSchema.parse({
          kind: 'measure',
          modelSha256: 'a'.repeat(64),
          modelBytes: model.length,
          signature: 's',
          config: { batchSize: 1, threads: 1, precision },
          scenario: { kind: 'single-stream' },
          stopRule: {},
        });
        const board = makeBoard();
        const context = { board: await board.describe(), modelPath, signal: new AbortController().signal };
        await assert.rejects(board.measure(request, context), (error: Error) => {
          assert.ok(error instanceof RejectedError, `${error}`);
          assert.match(error.message, message);
          return true;
        });
      });
  });

describe('this machine describes itself', () => {
  const policy = '/sys/devices/system/cpu/cpufreq/policy0';
  const PACKAGES = '/opt/runtime/packages';

  /** With a runner of which it is counted how often it is looked for. */
  function described() {
    const host = FixtureHost.of('jetson-agx-xavier');
    host.modified.set(PACKAGES, 1);
    let probes = 0;
    const version = () => `1.${host.modified.get(PACKAGES)}`;
    const runner: Runner = {
      ...{ name: 'of-python', description: 'a runtime that takes seconds to start', executesHere: false },
      async probe() {
        probes++;
        return { version: version(), executionProviders: ['cpu'], precisions: ['float32'] };
      },
      probedFrom: () => [PACKAGES],
      start: () => assert.fail('nothing is measured'),
    };
    const board = thisMachine({ host, runners: [runner] });
    return { host, board, probes: () => probes };
  }

  it('by looking at little while nothing has changed, but for its temperature', async () => {
    const { host, board, probes } = described();
    const first = await board.describe();
    assert.equal(first.powerMode, 'MODE_15W');
    host.files.set('/sys/class/thermal/thermal_zone0/temp', '91000');
    const second = await board.describe();
    assert.deepEqual({ ...second, temperatureC: null }, { ...first, temperatureC: null });
    assert.equal(second.temperatureC, 91);
    assert.equal(probes(), 1);
  });

  const changes: Record<string, { change(host: FixtureHost): void; now: RegExp }> = {
    'its power mode': {
      change: (host) => host.commands.set('nvpmodel -q', 'NV Power Mode: MAXN\n0\n'),
      now: / \| MAXN \| /,
    },
    'its governor': {
      change: (host) => host.files.set(`${policy}/scaling_governor`, 'powersave'),
      now: /: powersave, /,
    },
    'its clock limits': {
      change: (host) => host.files.set(`${policy}/scaling_max_freq`, '1000000'),
      now: / to 1000 MHz/,
    },
    'a runtime': { change: (host) => host.modified.set(PACKAGES, 2), now: /of-python@1\.2/ },
  };
  for (const [what, { change, now }] of Object.entries(changes))
    it(`anew when ${what} has changed, which makes it another class`, async () => {
      const { host, board, probes } = described();
      const before = deviceClassOf(await board.describe());
      change(host);
      const after = deviceClassOf(await board.describe());
      assert.notEqual(after, before);
      assert.doesNotMatch(before, now);
      assert.match(after, now);
      assert.equal(probes(), 2);
    });

  it('anew when it was started again, perhaps with another firmware', async () => {
    const { host, board, probes } = described();
    await board.describe();
    host.files.set('/proc/sys/kernel/random/boot_id', 'another');
    await board.describe();
    assert.equal(probes(), 2);
  });
});
