import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  announcedBoardSchema,
  type BoardDescription,
  boardDescriptionSchema,
  describeSimulated,
  deviceClassOf,
  deviceIdSchema,
  deviceNameSchema,
  deviceViewSchema,
  isPresent,
  isSameBoard,
  isUsable,
  runnersOf,
} from '@edgetune/shared/domain/device.ts';
import { checkBounds } from './support/schema-bounds.ts';

const BOARD: BoardDescription = {
  model: 'Raspberry Pi 5 Model B Rev 1.0',
  cpuModel: 'Cortex-A76',
  architecture: 'arm64',
  physicalCores: 4,
  logicalCores: 4,
  memoryBytes: 8_800_000_000,
  os: 'Debian 12',
  kernel: '6.6',
  minClockKHz: 1_500_000,
  maxClockKHz: 2_400_000,
  settableClocksKHz: [],
  governor: 'ondemand',
  temperatureC: 50,
  powerMode: null,
  powerMeter: null,
  runtimes: [
    { runner: 'onnxruntime-python', version: '1.20', executionProviders: ['cpu'], precisions: ['float32'] },
    { runner: 'onnxruntime-node', version: '1.30', executionProviders: ['cpu'], precisions: ['float32'] },
  ],
  nodeVersion: 'v20',
  agentVersion: '1',
  machineId: 'm',
  simulated: null,
};

describe('a device', () => {
  it('has a name of letters, digits, "-", "_" and "."', () => {
    for (const name of ['a', '4', 'Kitchen-pi_2.local', 'a'.repeat(63)])
      assert.ok(deviceNameSchema.safeParse(name).success, name);
    for (const name of ['', '-a', '.a', 'a b', 'a/b', 'a+', 'a#', 'a\n', 'ä', 'a'.repeat(64)])
      assert.ok(!deviceNameSchema.safeParse(name).success, name);
  });

  it('has an id that fits into a topic', () => {
    for (const id of [`d-${'a'.repeat(12)}`, `d-${'9'.repeat(32)}`]) assert.ok(deviceIdSchema.safeParse(id).success);
    for (const id of [
      `d-${'a'.repeat(11)}`,
      `d-${'a'.repeat(33)}`,
      `D-${'a'.repeat(12)}`,
      `d-${'A'.repeat(12)}`,
      'd-+',
    ])
      assert.ok(!deviceIdSchema.safeParse(id).success, id);
  });

  it('is present with or without work', () => {
    assert.deepEqual(
      (['pending', 'online', 'offline', 'busy'] as const).map((presence) => isPresent({ presence })),
      [false, true, false, true],
    );
    assert.equal(isPresent(null), false);
  });

  it('has counts that are counts', () => {
    const view = {
      id: `d-${'a'.repeat(12)}`,
      name: 'pi',
      presence: 'online',
      board: BOARD,
      deviceClass: null,
      addedAt: '',
      lastSeenAt: null,
      onCoordinatorHost: false,
      runningJobs: 0,
      queuedJobs: 0,
    };
    checkBounds(deviceViewSchema, view, [
      ['runningJobs', [0, 1], [-1, 0.5]],
      ['queuedJobs', [0, 1], [-1, 0.5]],
      ['presence', ['busy'], ['asleep']],
    ]);
    checkBounds(boardDescriptionSchema, BOARD, [
      ['physicalCores', [1], [0, 1.5]],
      ['logicalCores', [1], [0, 1.5]],
      ['memoryBytes', [1], [0, 1.5]],
      ['settableClocksKHz', [[1]], [[0], [1.5]]],
      ['powerMeterLeastWindowMs', [0, undefined], [-1]],
      ['simulated', [{ profile: 'p', timeScale: 0, latencyMape: null }], [{ profile: 'p', timeScale: -1 }]],
    ]);
  });
});

describe('what a board announces', () => {
  const [python, node] = BOARD.runtimes as [BoardDescription['runtimes'][number], BoardDescription['runtimes'][number]];
  const missing = (what: string) => ({
    what,
    why: 'the agent is newer than the coordinator, which does not know that',
    how: 'update the coordinator',
  });

  it('is taken as it is where all of it is known, also runners of any name', () => {
    const board = { ...BOARD, runtimes: [node, { ...node, runner: 'of-a-newer-agent' }] };
    assert.deepEqual(announcedBoardSchema.parse(board), board);
  });

  it('is taken without the providers and precisions that are unknown here, which are listed as missing', () => {
    const known = [{ what: 'power', why: 'no meter', how: 'a plug' }];
    const announced = {
      ...BOARD,
      missing: known,
      runtimes: [
        { ...python, executionProviders: ['cpu', 'npu'], precisions: ['float32', 'int4'] },
        node,
        { ...node, runner: 'tiny', executionProviders: ['npu'] },
      ],
    };
    const board = announcedBoardSchema.parse(announced);
    assert.deepEqual(board.runtimes, [python, node, { ...node, runner: 'tiny', executionProviders: [] }]);
    assert.deepEqual(board.missing, [...known, missing('onnxruntime-python with npu, int4'), missing('tiny with npu')]);
    assert.deepEqual(board.runtimes.map(isUsable), [true, true, false]);
    const { missing: _, ...silent } = announced;
    assert.equal(announcedBoardSchema.parse(silent).missing?.length, 2);
  });

  it('is refused where it is no description, with what is wrong', () => {
    for (const wrong of [null, {}, { ...BOARD, runtimes: [{ ...node, executionProviders: 'cpu' }] }])
      assert.deepEqual(
        announcedBoardSchema.safeParse(wrong).error?.issues,
        boardDescriptionSchema.safeParse(wrong).error?.issues,
      );
  });

  it('tells the runners that there are, with the devices that can be used with them', () => {
    const tiny = { ...node, runner: 'tiny', precisions: [] };
    assert.deepEqual(
      [
        ...runnersOf([
          { name: 'a', board: BOARD },
          { name: 'b', board: { ...BOARD, runtimes: [node, tiny] } },
          { name: 'c', board: null },
        ]),
      ],
      [
        ['onnxruntime-python', ['a']],
        ['onnxruntime-node', ['a', 'b']],
      ],
    );
  });
});

describe('the device class', () => {
  it('is made of what measurements depend on', () => {
    assert.equal(
      deviceClassOf(BOARD),
      'Raspberry Pi 5 Model B Rev 1.0/Cortex-A76 | 4 cores | 8 GB | default mode | Debian 12 | kernel 6.6 | governor ondemand | onnxruntime-node@1.30 | onnxruntime-python@1.20',
    );
  });

  it('rounds the memory to half gigabytes, and to no less than one half', () => {
    const memory = (gigabytes: number) => deviceClassOf({ ...BOARD, memoryBytes: gigabytes * 2 ** 30 }).split(' | ')[2];
    assert.deepEqual([0.1, 0.42, 0.8, 1.2, 3.7, 3.76, 7.9].map(memory), [
      '0.5 GB',
      '0.5 GB',
      '1 GB',
      '1 GB',
      '3.5 GB',
      '4 GB',
      '8 GB',
    ]);
  });

  it('differs by kernel and by what is set of clocks and governors, of which an earlier agent tells the governor only', () => {
    const said = { speedSettings: ['cores 0: ondemand, 1500 to 2400 MHz', 'GPU: 300 to 1300 MHz'] };
    const classes = [
      BOARD,
      { ...BOARD, kernel: '6.7' },
      { ...BOARD, governor: 'performance' },
      { ...BOARD, governor: null },
      { ...BOARD, ...said },
      { ...BOARD, speedSettings: said.speedSettings.toReversed() },
      { ...BOARD, speedSettings: [] },
      { ...BOARD, runtimes: BOARD.runtimes.map((runtime) => ({ ...runtime, version: '1.31' })) },
    ].map(deviceClassOf);
    // A board without clocks to tell of is none that did not tell them, but there is nothing to tell them apart by.
    assert.equal(classes[6], classes[3]);
    assert.equal(new Set(classes).size, classes.length - 1);
    assert.match(
      classes[4] as string,
      / \| kernel 6\.6 \| cores 0: ondemand, 1500 to 2400 MHz \| GPU: 300 to 1300 MHz \| /,
    );
  });

  it('of a simulated board depends on its profile, not on the machine that computes it', () => {
    const simulated = { profile: 'raspberry-pi-5', timeScale: 0, latencyMape: null };
    const here = deviceClassOf({ ...BOARD, simulated });
    assert.equal(deviceClassOf({ ...BOARD, simulated, kernel: '6.7', governor: 'performance' }), here);
  });

  it('is of one board while its model is the same, whatever mode it is in', () => {
    const simulated = { profile: 'raspberry-pi-5', timeScale: 0, latencyMape: null };
    assert.ok(isSameBoard(BOARD, { ...BOARD, physicalCores: 2, powerMode: '15W', kernel: '7', runtimes: [] }));
    assert.ok(!isSameBoard(BOARD, { ...BOARD, model: 'Raspberry Pi 4 Model B' }));
    assert.ok(!isSameBoard(BOARD, { ...BOARD, simulated }));
    assert.ok(!isSameBoard({ ...BOARD, simulated }, { ...BOARD, simulated: { ...simulated, profile: 'pi-4' } }));
  });

  it('differs by power mode, never by the order of runtimes, and never mixes simulated and real boards', () => {
    const changed = (change: Partial<BoardDescription>) => deviceClassOf({ ...BOARD, ...change });
    assert.notEqual(changed({ powerMode: '15W' }), changed({ powerMode: null }));
    assert.equal(changed({ runtimes: [...BOARD.runtimes].reverse() }), deviceClassOf(BOARD));
    const simulated = { profile: 'raspberry-pi-5', timeScale: 0, latencyMape: null };
    assert.match(changed({ simulated }), /^simulated:raspberry-pi-5 \| /);
  });
});

describe('what a simulated device is', () => {
  const simulated = { profile: 'p', timeScale: 0 };

  it('is said with its error, and whether that is only an estimate', () => {
    assert.equal(
      describeSimulated({ ...simulated, latencyMape: null }),
      'computed from profile p; never compared with the real board',
    );
    assert.equal(
      describeSimulated({ ...simulated, latencyMape: 0.04 }),
      'computed from profile p; latency error against the real board: 4 % on average',
    );
    assert.equal(
      describeSimulated({ ...simulated, latencyMape: 0.29, isErrorEstimated: true }),
      'computed from profile p; never compared with the real board; latency error ESTIMATED at 29 % on average',
    );
  });

  it('is said with what the error was estimated over, where its agent tells', () => {
    const comparedWith = 'each of 2 input sizes predicted from the others';
    assert.equal(
      describeSimulated({ ...simulated, latencyMape: 0.04, comparedWith }),
      'computed from profile p; latency error against the real board: 4 % on average (each of 2 input sizes predicted from the others)',
    );
    assert.equal(
      describeSimulated({ ...simulated, latencyMape: 0.29, isErrorEstimated: true, comparedWith }),
      'computed from profile p; latency error ESTIMATED at 29 % on average (each of 2 input sizes predicted from the others)',
    );
  });
});
