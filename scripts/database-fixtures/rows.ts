/** Rows as the EdgeTune of each schema wrote them: what a later one wrote otherwise depends on `since`. */

export type Row = Record<string, string | number | null | object>;

export const AT = '2026-01-01T00:00:00.000Z';
const MODEL = 'a'.repeat(64);
const INT8_MODEL = 'b'.repeat(64);
const CHECKPOINT = 'c'.repeat(64);
const DEVICE = 'd-000000000001';

const config = {
  batchSize: 1,
  threads: 1,
  clockKHz: null,
  precision: 'float32',
  executionProvider: 'cpu',
  runner: 'onnxruntime-node',
};
const budget = { epochs: 1, dataFraction: 1 };
const candidate = { width: 4, learningRate: 0.1 };

const measurement = {
  id: 'm-1',
  deviceId: DEVICE,
  deviceName: 'kitchen-pi',
  studyId: 's-1',
  signature: 'signature-a',
  modelSha256: MODEL,
  deviceClass: 'pi5',
  config,
  scenario: { kind: 'single-stream' },
  outcome: 'ok',
  reason: null,
  latencyMs: { count: 3, mean: 2, cv: 0, min: 2, p50: 2, p90: 2, p95: 2, p99: 2, p999: 2, max: 2, p50Interval: [2, 2] },
  throughputPerS: 500,
  peakMemoryBytes: 1e7,
  energy: null,
  conditions: {
    clockKHzBefore: null,
    clockKHzDuring: null,
    clockKHzAfter: null,
    temperatureCBefore: 40,
    temperatureCAfter: 41,
    governor: 'ondemand',
    otherLoadCores: 0,
    throttled: false,
    underVoltage: false,
  },
  stopReason: 'converged',
  busyCores: 1,
  cost: { deviceSeconds: 1, deviceJoules: null },
  simulated: false,
  startedAt: AT,
};

const board = {
  model: 'Raspberry Pi 5 Model B Rev 1.0',
  cpuModel: 'Cortex-A76',
  architecture: 'arm64',
  physicalCores: 4,
  logicalCores: 4,
  memoryBytes: 8589934592,
  os: 'Debian 12',
  kernel: '6.6',
  minClockKHz: 1500000,
  maxClockKHz: 2400000,
  settableClocksKHz: [],
  governor: 'ondemand',
  temperatureC: 40,
  powerMode: null,
  powerMeter: null,
  runtimes: [{ runner: 'onnxruntime-node', version: '1.30.0', executionProviders: ['cpu'], precisions: ['float32'] }],
  nodeVersion: '20.20.2',
  agentVersion: '0.1.0',
  machineId: 'machine-of-the-board',
  simulated: null,
};

const space = {
  model: { width: { type: 'ordinal', values: [2, 4, 8] } },
  training: { learningRate: { type: 'float', min: 0.001, max: 1, scale: 'log' } },
  system: {},
  inference: { batchSize: { type: 'ordinal', values: [1, 4] } },
};
const objectives = [
  { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' },
  { metric: 'latency.p50', direction: 'minimize', aggregate: 'worst' },
];

/** The body of the study with which a coordinator of that time would have begun. */
function spec(since: number) {
  return {
    name: 'first study',
    workload: 'image-classifier',
    dataset: { format: 'synthetic-images', classes: 8, samples: 2000, imageSize: 16, channels: 3, seed: 1 },
    space,
    devices: ['kitchen-pi'],
    scenario: { kind: 'single-stream' },
    objectives,
    constraints: [{ metric: 'energy', operator: '<=', limit: 0 }],
    budget: { minEpochs: 1, maxEpochs: 1, minDataFraction: 1, maxDataFraction: 1, reductionFactor: 3 },
    tuner: { mode: 'onefold', sampler: 'auto', scheduler: 'auto', seed: 1, initialCandidates: [] },
    stop: { trials: 2, target: [] },
    ...(since >= 3 ? { quantisation: { maxAccuracyDrop: 0.02 } } : {}),
    recommend: 3,
    deterministic: false,
    notes: {},
  };
}

/** A study from its making to its recommendation: every kind of event. */
function events(since: number): object[] {
  const trained = {
    type: 'training-finished',
    trialId: 0,
    rung: 0,
    metrics: { accuracy: 0.5, loss: 1, epochs: 1, dataFraction: 1 },
    checkpointSha256: CHECKPOINT,
    seconds: 2,
    cpuSeconds: 2,
    energyJ: 10,
    energySource: 'estimate',
  };
  // What violates a limit of 0 does so infinitely, of which JSON made null.
  const violation = since >= 5 ? 1e6 : null;
  const amended = { ...(since >= 5 ? {} : { loss: null }), 'latency.p50@kitchen-pi': 2 };
  return [
    { type: 'study-created', spec: spec(since), deviceIds: { 'kitchen-pi': DEVICE } },
    { type: 'study-state', state: 'running', reason: null },
    { type: 'trial-asked', ask: 0, trialId: 0, rung: 0, bracket: 0, candidate, budget, proposedBy: 'initial' },
    {
      type: 'architecture-built',
      trialId: 0,
      signature: 'signature-a',
      modelSha256: MODEL,
      modelBytes: 1000,
      parameters: 100,
      macs: 5000,
      ...(since >= 3
        ? {
            coordinates: [8.5, 0.25],
            int8: { signature: 'signature-b', modelSha256: INT8_MODEL, modelBytes: 400 },
          }
        : {}),
    },
    { type: 'training-started', trialId: 0, rung: 0, backend: 'wasm', trainingCores: 1 },
    { type: 'inference-started', trialId: 0, signature: 'signature-a', device: 'kitchen-pi' },
    { type: 'epoch', trialId: 0, rung: 0, epoch: 1, metrics: { accuracy: 0.5, loss: 1 } },
    trained,
    { type: 'span', lane: 'training 1', kind: 'training', trialId: 0, startMs: 0, endMs: 2000 },
    {
      type: 'trial-told',
      trialId: 0,
      rung: 0,
      status: 'ok',
      metrics: { ...trained.metrics, 'latency.p50@kitchen-pi': 3 },
      predicted: ['latency.p50@kitchen-pi'],
      violation: 0,
      cost: { seconds: 2, joules: 10 },
      reason: null,
    },
    { type: 'measured', trialId: 0, measurement, source: 'measured' },
    {
      type: 'inference-finished',
      trialId: 0,
      signature: 'signature-a',
      device: 'kitchen-pi',
      best: config,
      feasible: true,
      violation: 0,
      metrics: { 'latency.p50': 2 },
      measurements: 1,
      ...(since >= 3 ? { possible: 2 } : {}),
      reason: null,
    },
    { type: 'trial-amended', trialId: 0, rung: 0, metrics: amended, violation: 0 },
    { type: 'trial-asked', ask: 1, trialId: 1, rung: 0, bracket: 0, candidate, budget, proposedBy: 'random' },
    { type: 'training-failed', trialId: 1, rung: 0, reason: 'no memory' },
    {
      type: 'trial-told',
      trialId: 1,
      rung: 0,
      status: 'failed',
      metrics: {},
      predicted: [],
      violation,
      cost: { seconds: 0, joules: 0 },
      reason: 'no memory',
    },
    { type: 'warning', message: 'kitchen-pi is offline' },
    { type: 'recommendation', recommendation: recommendation(since) },
    { type: 'study-state', state: 'succeeded', reason: null },
  ];
}

function recommendation(since: number) {
  return {
    models: [
      {
        trialId: 0,
        candidate,
        onnxSha256: MODEL,
        onnxBytes: 1000,
        modelCardSha256: CHECKPOINT,
        validationAccuracy: 0.5,
        testAccuracy: 0.49,
        ...(since >= 3 ? { quantised: { reason: 'no convolution of it has constant weights' } } : {}),
        epochs: 1,
        parameters: 100,
        macs: 5000,
        devices: [
          {
            device: 'kitchen-pi',
            config,
            measurement,
            feasible: true,
            alternatives: [],
            ...(since >= 3 ? { precisionReason: null } : {}),
          },
        ],
        feasible: true,
      },
    ],
    syntheticData: true,
    summary: {
      trials: 2,
      infeasibleTrials: 0,
      measurements: 1,
      reusedMeasurements: 0,
      ...(since >= 3 ? { savedMeasurements: 1 } : {}),
      trainingSeconds: 2,
      trainingCpuSeconds: 2,
      trainingEnergyJ: 10,
      deviceSeconds: 1,
      deviceJoules: 0,
      wallSeconds: 3,
      overheadSeconds: 1,
      pausedSeconds: 0,
      trainingBackend: 'wasm',
    },
  };
}

const VERSIONS_OF_THE_FIFTH: Record<string, number> = { 'study-created': 2, 'trial-told': 2, 'trial-amended': 2 };

/** A bench of a model; before the third schema all were in float32, and did not say what came from the history. */
function bench(since: number): Row {
  const scenario = { kind: 'single-stream' };
  const asked = { modelSha256: MODEL, modelName: 'a.onnx', devices: ['kitchen-pi'], scenario };
  const limits = { objectives: [objectives[1]], constraints: [], dimensions: {} };
  const entry = {
    device: 'kitchen-pi',
    simulated: null,
    state: 'finished',
    reason: null,
    feasible: true,
    best: measurement,
    measurements: [since >= 3 ? { ...measurement, from: 'reused-device' } : measurement],
    measured: 0,
    reused: 1,
    possible: 1,
    planned: 1,
  };
  const view = {
    id: 'b-1',
    state: 'finished',
    modelName: 'a.onnx',
    modelSha256: MODEL,
    modelBytes: 1000,
    signature: 'signature-a',
    ...(since >= 3 ? { precision: 'float32', int8: null } : {}),
    scenario,
    ...limits,
    startedAt: AT,
    finishedAt: AT,
    devices: [entry],
  };
  return { id: 'b-1', request: { ...asked, ...limits, batchSizes: [1], precisions: ['float32'] }, view };
}

const job = { kind: 'measure', modelSha256: MODEL, modelBytes: 1000, signature: 'signature-a', config };
const stopRule = {
  warmupRuns: 3,
  minRuns: 50,
  minDurationMs: 1000,
  maxRuns: 100000,
  maxDurationMs: 30000,
  medianPrecision: null,
};

/**
 * What stands in the tables after so many migrations.
 * @param since number of the last migration, from 1
 */
export function tables(since: number): [table: string, row: Row][] {
  const study = { name: 'first study', yaml: 'name: first study\n', state: 'succeeded', reason: null };
  const tell = { trial: 0, rung: 0, metrics: { accuracy: null }, cost: { seconds: 1, joules: 0 } };
  const ask = { trial: 0, rung: 0, candidate: { augment: true }, budget, proposedBy: 'random', ask: 0, bracket: 0 };
  const tuned = { training: { augment: { type: 'boolean' } } };
  const { budget: ladder, tuner, stop } = spec(since);
  const tunerSpec = { devices: [], objectives, constraints: [], budget: ladder, tuner, stop, deterministic: false };
  return [
    ['devices', { id: DEVICE, name: 'kitchen-pi', added_at: AT, joined_at: AT, board, credential_hash: 'hash' }],
    ['join_tokens', { token_hash: 'token-hash', device_id: DEVICE, expires_at: AT, used_at: AT }],
    ['studies', { id: 's-1', ...study, created_at: AT, finished_at: AT }],
    // Its coordinator ended between the study's row and its first event, which were two transactions then.
    ...(since < 5
      ? [['studies', { id: 's-2', ...study, state: 'queued', created_at: AT }] satisfies [string, Row]]
      : []),
    ...events(since).map((body, index): [string, Row] => {
      const version = VERSIONS_OF_THE_FIFTH[(body as { type: string }).type] ?? 1;
      return ['study_events', { study_id: 's-1', seq: index + 1, at: AT, body, ...(since >= 5 ? { version } : {}) }];
    }),
    [
      'measurements',
      { id: 'm-1', signature: 'signature-a', device_class: 'pi5', scenario_key: 'single-stream', measurement },
    ],
    [
      'jobs',
      {
        id: 'j-1',
        device_id: DEVICE,
        study_id: 's-1',
        request: {
          ...job,
          scenario: { kind: 'single-stream' },
          stopRule,
          dimensions: {},
          memoryLimitBytes: null,
          seed: 1,
        },
        state: 'running',
        attempt: 1,
        lease_token: 'lease',
        created_at: AT,
        updated_at: AT,
      },
    ],
    ...(since >= 6
      ? [['removed_devices', { id: 'd-ffffffffffffffff', name: 'garage-pi', removed_at: AT }] satisfies [string, Row]]
      : []),
    ...(since >= 2 ? [['benches', bench(since)] satisfies [string, Row]] : []),
    ...(since >= 3
      ? ([
          ['tuners', { id: 't-1', created_at: AT, spec: { space: { ...space, ...tuned }, ...tunerSpec } }],
          ['tuner_entries', { tuner_id: 't-1', entry: { ask } }],
          ['tuner_entries', { tuner_id: 't-1', entry: { tell } }],
        ] satisfies [string, Row][])
      : []),
  ];
}
