/** A fleet of two and a study under way, as the coordinator would send them. */

import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import type { SpanView, StudyDetail, StudyPartsView, StudySummary, TrialView } from '@edgetune/shared/protocol/http.ts';
import { storedMeasurement } from '../../../support/measurement.ts';

export const EXAMPLE_YAML = `name: my first study
workload: image-classifier
dataset:
  format: synthetic-images   # or idx, cifar10-binary, csv-images with a path
devices: [my-device]
objectives:
  - maximize accuracy
  - minimize latency.p50
constraints:
  - latency.p99 <= 50 ms
budget: {minEpochs: 1, maxEpochs: 9}
stop: {trials: 20}
`;

type SampleMetric = StudyPartsView['metrics'][number];

function sampleMetric(name: string, changes: Partial<SampleMetric>): SampleMetric {
  const metric = { name, description: name, direction: 'minimize', of: 'device', unit: '' } as const;
  return { ...metric, units: [], isLimitable: true, isCommon: true, isOfClass: false, ...changes };
}

export const STUDY_PARTS: StudyPartsView = {
  workloads: [
    {
      name: 'image-classifier',
      description: 'Convolutional networks for small images.',
      exampleYaml: EXAMPLE_YAML,
      formats: ['synthetic-images', 'format-of-this-test'],
      parameters: [
        {
          name: 'width',
          level: 'model',
          possible: { kind: 'whole', min: 1, max: 64 },
          text: 'a whole number from 1 to 64',
        },
      ],
    },
  ],
  formats: [
    {
      name: 'synthetic-images',
      description: 'drawn by EdgeTune',
      holds: 'images',
      settings: [{ name: 'samples', description: 'images in all', type: 'integer', required: false, otherwise: 2000 }],
    },
    {
      name: 'format-of-this-test',
      description: 'told by the coordinator alone',
      holds: 'images',
      settings: [
        { name: 'path', description: 'a folder', type: 'string', required: true, example: '/data/here' },
        { name: 'shift', description: 'pixels to the left', type: 'integer', required: true, example: 3 },
        { name: 'mirrored', description: 'left to right', type: 'boolean', required: true },
        {
          name: 'sizes',
          description: 'of all images',
          type: 'array',
          itemType: 'integer',
          required: true,
          example: [28],
        },
        {
          name: 'labels',
          description: 'of all classes',
          type: 'array',
          itemType: 'string',
          required: true,
          example: ['a'],
        },
        { name: 'crop', description: 'four sides', type: 'object', required: true, example: { top: 1 } },
        { name: 'quick', description: 'not asked for', type: 'boolean', required: false },
      ],
    },
  ],
  samplers: [
    { name: 'auto', description: 'the default' },
    { name: 'sampler-of-this-test', description: 'told by the coordinator alone' },
  ],
  schedulers: [
    { name: 'auto', description: 'the default' },
    { name: 'scheduler-of-this-test', description: 'told by the coordinator alone' },
  ],
  scenarios: [
    { name: 'single-stream', description: 'back to back', settings: [] },
    { name: 'multi-stream', description: 'several samples', settings: [] },
    { name: 'server', description: 'at random', settings: [] },
    { name: 'scenario-of-this-test', description: 'told by the coordinator alone', settings: [] },
  ],
  metrics: [
    sampleMetric('accuracy', { direction: 'maximize', of: 'trial' }),
    sampleMetric('latency.p50', { description: 'median latency', unit: 'ms', units: ['ms', 's'] }),
    sampleMetric('edgetune.time', { description: 'computed', isLimitable: false }),
    sampleMetric('metric.of.this.test', { description: 'told by the coordinator alone' }),
    sampleMetric('rare.metric', { description: 'rarely wanted', isCommon: false }),
  ],
  runners: [],
};

const AT = '2026-03-01T10:00:00.000Z';
const SHA = 'a'.repeat(64);

export function sampleDevice(name: string, changes: Partial<DeviceView> = {}): DeviceView {
  return {
    id: `d-${name.replaceAll(/[^a-z0-9]/g, '').padEnd(12, '0')}`,
    name,
    presence: 'online',
    board: {
      model: 'Raspberry Pi 5 Model B Rev 1.0',
      cpuModel: 'Cortex-A76',
      architecture: 'arm64',
      physicalCores: 4,
      logicalCores: 4,
      memoryBytes: 8_324_000_000,
      os: 'Debian GNU/Linux 12',
      kernel: '6.6.31',
      minClockKHz: 1_500_000,
      maxClockKHz: 2_400_000,
      settableClocksKHz: [1_500_000, 2_400_000],
      governor: 'ondemand',
      temperatureC: 51,
      powerMode: null,
      powerMeter: null,
      missing: [{ what: 'power', why: 'no power meter was found', how: 'use a smart plug (--power-plug)' }],
      runtimes: [
        { runner: 'onnxruntime-node', version: '1.30.0', executionProviders: ['cpu'], precisions: ['float32', 'int8'] },
      ],
      nodeVersion: '22.11.0',
      agentVersion: '0.1.0',
      machineId: 'machine',
      simulated: null,
    },
    deviceClass: 'class',
    addedAt: AT,
    lastSeenAt: AT,
    onCoordinatorHost: false,
    runningJobs: 0,
    queuedJobs: 0,
    ...changes,
  };
}

export function simulatedDevice(name: string): DeviceView {
  const device = sampleDevice(name, { presence: 'busy', runningJobs: 1, queuedJobs: 2 });
  const simulated = { profile: 'jetson-nano', timeScale: 0, latencyMape: 0.123 };
  return { ...device, board: device.board && { ...device.board, simulated } };
}

export function pendingDevice(name: string): DeviceView {
  return sampleDevice(name, { presence: 'pending', board: null, deviceClass: null, lastSeenAt: null });
}

function measurementOf(deviceName: string, source: 'estimate' | 'simulated'): StoredMeasurement {
  return storedMeasurement({
    id: `m-${deviceName}`,
    deviceId: sampleDevice(deviceName).id,
    deviceName,
    studyId: 's-1',
    signature: 'signature',
    modelSha256: SHA,
    config: {
      batchSize: 4,
      threads: 2,
      clockKHz: null,
      precision: 'float32',
      executionProvider: 'cpu',
      runner: 'onnxruntime-node',
    },
    latencyMs: {
      count: 500,
      mean: 4.2,
      cv: 0.05,
      min: 3.9,
      p50: 4.15,
      p90: 4.5,
      p95: 4.7,
      p99: 5.35,
      p999: 6,
      max: 6.2,
      p50Interval: [4.1, 4.2],
    },
    throughputPerS: 952,
    peakMemoryBytes: 41_000_000,
    energy: { netJ: 0.0123, grossJ: 0.02, meanPowerW: 5.1, source, meter: 'power model', sampleCount: 0 },
    stopReason: 'converged',
    busyCores: 1.9,
    simulated: source === 'simulated',
  });
}

/** Trial 0 is fast, higher ones are more accurate and slower; every seventh breaks a constraint. */
export function sampleTrial(trialId: number, devices: readonly string[]): TrialView {
  const accuracy = 0.55 + 0.4 * (1 - Math.exp(-trialId / 8)) + 0.02 * Math.sin(trialId * 5);
  const latencyMs = 2 + trialId * 0.6 + 1.5 * Math.cos(trialId * 3);
  const infeasible = trialId % 7 === 6;
  const epochs = trialId % 3 === 0 ? 9 : 3;
  const perDevice = devices.map((device, index) => ({
    [`latency.p50@${device}`]: latencyMs * (1 + 2 * index),
    [`latency.p99@${device}`]: latencyMs * (1.3 + 2 * index),
    [`energy@${device}`]: latencyMs * 0.003,
  }));
  return {
    trialId,
    candidate: {
      width: 8 + trialId,
      block: trialId % 2 ? 'residual' : 'separable',
      learningRate: 0.00123 * (trialId + 1),
    },
    status: infeasible ? 'infeasible' : trialId === 24 ? 'training' : 'finished',
    rung: epochs === 9 ? 2 : 1,
    epochs,
    dataFraction: epochs === 9 ? 1 : 0.3,
    signature: 'signature',
    modelSha256: SHA,
    metrics: Object.assign({ accuracy, loss: 0.4, modelSize: 20_000 * (trialId + 1) }, ...perDevice),
    predicted: trialId === 5 ? [`latency.p50@${devices[0]}`] : [],
    intervals: trialId === 5 ? { [`latency.p50@${devices[0]}`]: [latencyMs * 0.8, latencyMs * 1.25] } : {},
    violation: infeasible ? 0.4 : 0,
    reason: infeasible ? 'latency.p99 <= 12 ms is broken' : null,
    onFront: [0, 3, 9, 15].includes(trialId),
    curve: Array.from({ length: epochs }, (_, index) => ({
      epoch: index + 1,
      accuracy: accuracy * (1 - Math.exp(-(index + 1) / 1.5)),
      loss: 1 / (index + 1),
    })),
  };
}

function spans(devices: readonly string[]): SpanView[] {
  return Array.from({ length: 12 }, (_, index): SpanView[] => [
    {
      lane: `training ${1 + (index % 2)}`,
      kind: 'training',
      trialId: index,
      startMs: index * 900,
      endMs: index * 900 + 1600,
    },
    {
      lane: devices[index % devices.length] ?? 'device',
      kind: 'measuring',
      trialId: index,
      startMs: index * 900 + 200,
      endMs: index * 900 + 900,
    },
  ]).flat();
}

const SCORES = {
  samples: 39,
  metrics: { accuracy: 0.897, loss: 0.31, f1: 0.884 },
  confusion: [
    [14, 2, 0],
    [1, 12, 1],
    [0, 0, 9],
  ],
};

export function recommendationFor(devices: readonly string[]): Recommendation {
  return {
    why: 'Accuracy leads: no other is within 1 point of trial 15 (91.2 %); the next is trial 9 (89 %).',
    models: [
      {
        trialId: 15,
        candidate: { width: 23, block: 'residual', learningRate: 0.0197 },
        onnxSha256: SHA,
        onnxBytes: 320_000,
        modelCardSha256: 'b'.repeat(64),
        validationAccuracy: 0.912,
        testAccuracy: 0.897,
        classes: ['cat', 'dog', 'hot dog'],
        scores: { validation: SCORES, test: SCORES },
        quantised: {
          onnxSha256: 'c'.repeat(64),
          onnxBytes: 92_000,
          validationAccuracy: 0.908,
          testAccuracy: 0.894,
        },
        epochs: 9,
        parameters: 78_900,
        macs: 5_120_000,
        missing: [],
        feasible: true,
        misses: [],
        devices: devices.map((device, index) => ({
          device,
          config: measurementOf(device, 'estimate').config,
          measurement: measurementOf(device, index === 0 ? 'estimate' : 'simulated'),
          feasible: true,
          alternatives: [],
          precisionReason: 'int8 is no better here (21 ms in int8, 20 ms in float32)',
        })),
      },
    ],
    syntheticData: true,
    summary: {
      trials: 25,
      infeasibleTrials: 3,
      measurements: 140,
      reusedMeasurements: 30,
      trainingSeconds: 60,
      trainingCpuSeconds: 110,
      trainingEnergyJ: 900,
      deviceSeconds: 70,
      deviceJoules: 40,
      wallSeconds: 75,
      overheadSeconds: 2,
      pausedSeconds: 1,
      trainingBackend: 'wasm',
    },
  };
}

/** Hypervolume that grows ever more slowly, a change every 20 seconds; shares of three parameters. */
function sampleSearch(trials: number): StudyDetail['search'] {
  const hypervolume = Array.from({ length: Math.ceil(trials / 3) }, (_, index) => ({
    trialId: 3 * index,
    rung: 1,
    at: new Date(Date.parse(AT) + 20_000 * (index + 1)).toISOString(),
    share: 0.8 * (1 - Math.exp(-(index + 1) / 3)),
  }));
  const importance = [
    { name: 'learningRate', share: 0.62 },
    { name: 'width', share: 0.3 },
    { name: 'block', share: 0.08 },
  ];
  return { hypervolume, importance: trials < 10 ? [] : importance };
}

export function sampleStudy(devices: readonly string[], trials: number): StudyDetail {
  const yaml = EXAMPLE_YAML.replace('[my-device]', `[${devices.join(', ')}]`);
  return {
    id: 's-1',
    name: 'digits for the kitchen',
    state: 'running',
    reason: null,
    workload: 'image-classifier',
    devices: [...devices],
    createdAt: AT,
    finishedAt: null,
    trials: { started: trials, finished: trials - 4, infeasible: 3, failed: 0, planned: 40 },
    progress: trials / 40,
    bestAccuracy: 0.912,
    syntheticData: true,
    spec: studySpecSchema.parse({ name: 'digits', dataset: { format: 'synthetic-images' }, devices: [...devices] }),
    yaml,
    trialViews: Array.from({ length: trials }, (_, index) => sampleTrial(index, devices)),
    spans: spans(devices),
    timeline: { totalS: 12, trainingS: 11.5, measuringS: 8.4, overlapS: 8.1, overheadS: 0.2, pausedS: 0 },
    search: sampleSearch(trials),
    deviceViews: devices.map((device, index) => ({
      ...{ device, deviceId: `d-${index}` },
      ...{ standing: 'expected', reason: null },
    })),
    recommendation: null,
    unmeasured: [],
    data: null,
    warnings: ['kitchen-pi has no power meter: its energy is an estimate'],
    earlier: null,
    spent: { seconds: 75, joules: 0 },
    extensions: [],
    lastSeq: 100,
  };
}

/** The fields of the list, without those of the study's page. */
export function summaryOf(study: StudyDetail): StudySummary {
  const { spec, yaml, trialViews, spans, timeline, search, recommendation, warnings, lastSeq, ...summary } = study;
  return summary;
}
