/** Devices whose measurements are replayed from a table: cores × batch of the EdgeTune paper's public artifact. */
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import { createSimulatedBoard } from '../../../agent/simulated/simulated-board.ts';
import { buildOnnx } from '../../../test/support/onnx-builder.ts';
import { readLines } from '../boards/csv.ts';
import { GraphWriter, IMAGE } from '../boards/zoo/graph-writer.ts';
import { type BoardUnderTest, boardUnderTest, type Model, modelOf } from './board-under-test.ts';

/** Samples behind each row of `exp_500.csv`. */
const SAMPLES = 500;

interface ReplayedRow {
  cores: number;
  /** The network is a CIFAR ResNet of 6n + 2 layers. */
  n: number;
  batchSize: number;
  seconds: { server: number; edge: number };
  joules: { server: number; edge: number };
}

function rows(): ReplayedRow[] {
  return readLines('edgetune-artifact/exp_500.csv').map((cells) => {
    const [cores, , n, batchSize, serverS, serverJ, edgeS, edgeJ] = cells.map(Number) as [
      ...[number, number, number, number, number, number, number, number],
    ];
    return {
      cores,
      n,
      batchSize,
      seconds: { server: serverS, edge: edgeS },
      joules: { server: serverJ, edge: edgeJ },
    };
  });
}

/** He et al. 2015, section 4.2. */
function cifarResNet(n: number): Uint8Array {
  const net = new GraphWriter();
  let value = net.conv(IMAGE, 16, { kernel: 3 });
  for (const channels of [16, 32, 64])
    for (let block = 0; block < n; block += 1) {
      const stride = channels > 16 && block === 0 ? 2 : 1;
      const main = net.conv(net.conv(value, channels, { kernel: 3, stride }), channels, {
        kernel: 3,
        activation: null,
      });
      const isPlain = stride === 1 && value.channels === channels;
      value = net.add(main, isPlain ? value : net.conv(value, channels, { stride, activation: null }), 'relu');
    }
  const outputs = [net.classify(value)];
  const { nodes, initializers } = net;
  return buildOnnx({ inputs: [{ name: 'image', shape: ['batch', 3, 32, 32] }], nodes, initializers, outputs });
}

export interface Replay {
  board: BoardUnderTest;
  models: Model[];
  parameters: Parameter[];
}

/** The artifact's server or its edge device. */
export function replayed(device: 'server' | 'edge'): Replay {
  const table = rows();
  const distinct = (values: readonly number[]) => [...new Set(values)].sort((one, two) => one - two);
  const cores = distinct(table.map((row) => row.cores));
  const level = 'inference' as const;
  const models = distinct(table.map(({ n }) => n)).map((n) => ({ ...modelOf(`resnet n=${n}`, cifarResNet(n)), n }));
  const template = createSimulatedBoard({ profile: boardProfileNamed('raspberry-pi-4'), timeScale: 0 }).describe();
  const description = { ...template, model: `replayed ${device}`, logicalCores: Math.max(...cores), simulated: null };
  const board = boardUnderTest(`replayed-${device}`, description, async (model, request): Promise<Measurement> => {
    const { n } = model as Model & { n: number };
    const { threads, batchSize } = request.config;
    const row = table.find((each) => each.n === n && each.cores === threads && each.batchSize === batchSize);
    if (!row) throw new Error(`the table has no row for n = ${n}, ${threads} cores, batch ${batchSize}`);
    const seconds = row.seconds[device];
    const joules = row.joules[device];
    return {
      signature: request.signature,
      modelSha256: request.modelSha256,
      deviceClass: deviceClassOf(description),
      config: request.config,
      scenario: request.scenario,
      simulated: false,
      startedAt: new Date(0).toISOString(),
      outcome: 'ok',
      reason: null,
      latencyMs: summariseLatencies([(1000 * seconds * batchSize) / SAMPLES]),
      throughputPerS: SAMPLES / seconds,
      peakMemoryBytes: null,
      energy: {
        netJ: joules / SAMPLES,
        grossJ: joules / SAMPLES,
        meanPowerW: joules / seconds,
        source: 'meter',
        meter: 'table',
        sampleCount: 0,
      },
      conditions: {
        clockKHzBefore: null,
        clockKHzDuring: null,
        clockKHzAfter: null,
        temperatureCBefore: null,
        temperatureCAfter: null,
        governor: null,
        otherLoadCores: 0,
        throttled: false,
        underVoltage: false,
      },
      stopReason: null,
      busyCores: null,
      cost: { deviceSeconds: seconds, deviceJoules: joules },
    };
  });
  return {
    board,
    models,
    parameters: [
      { name: 'batchSize', level, type: 'ordinal', values: distinct(table.map((row) => row.batchSize)) },
      { name: 'threads', level, type: 'ordinal', values: cores },
    ],
  };
}
