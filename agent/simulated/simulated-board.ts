/** The stand-in for a board: measures the model that it was sent by the cost model, with time, heat, noise and out-of-memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { idlePowerW, type Prediction, predict, UnsupportedConfigError } from '@edgetune/shared/costmodel/predict.ts';
import { type BoardDescription, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import { inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { RateNotFoundError } from '@edgetune/shared/domain/rate-search.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import { analyseGraph, type ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { StopReason } from '../measure/window/stopper.ts';
import { RejectedError } from '../rejected-error.ts';
import { describeSimulatedBoard } from './describe-simulated-board.ts';
import { randomFrom } from './noise.ts';
import { playScenario } from './virtual-load.ts';
import { VirtualRun } from './virtual-run.ts';

export interface BoardClock {
  now(): Date;
  /** @throws the signal's reason when it is aborted */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface SimulatedBoardOptions {
  profile: BoardProfile;
  /** Real seconds per device second: 0 answers at once, 1 takes the time that the board would. */
  timeScale: number;
  /** Same seed, same noise. */
  seed?: number | string;
  powerMode?: string;
  agentVersion?: string;
  clock?: BoardClock;
}

export interface SimulatedBoard {
  describe(): BoardDescription;
  /**
   * @throws {RejectedError} where this board can never run the request (config, operators, sizes)
   * @throws the signal's reason when it is aborted
   */
  measure(request: MeasureRequest, modelBytes: Uint8Array, signal: AbortSignal): Promise<Measurement>;
}

/** Starting a runtime and reading a model: seconds, and bytes per second. */
const START_S = 0.5;
const LOAD_BYTES_PER_S = 100e6;

const realClock: BoardClock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal });
  },
};

/** Turns what can never run here into a rejection; everything else stays an error. */
function orReject<T>(compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (error instanceof OnnxError || error instanceof UnsupportedConfigError || error instanceof RateNotFoundError)
      throw new RejectedError(error.message, { cause: error });
    throw error;
  }
}

/** Analyses by batch size; a model whose batch is fixed runs padded to it. */
function analysesOf(request: MeasureRequest, modelBytes: Uint8Array): (batchSize: number) => ModelAnalysis {
  const graph = readOnnx(modelBytes);
  const full = analyseGraph(graph, { batchSize: request.config.batchSize, dimensions: request.dimensions });
  const byBatch = new Map([[request.config.batchSize, full]]);
  return (batchSize) => {
    let analysis = byBatch.get(batchSize);
    if (!analysis) {
      const isOpen = modelSizes(graph, request.dimensions).fixedBatch === null;
      analysis = isOpen ? analyseGraph(graph, { batchSize, dimensions: request.dimensions }) : full;
      byBatch.set(batchSize, analysis);
    }
    return analysis;
  };
}

interface Played {
  run: VirtualRun;
  latenciesMs: number[];
  stopReason: StopReason;
  warmupMs: number;
  warmupJ: number;
  temperatureCBefore: number;
}

class Board implements SimulatedBoard {
  readonly #profile: BoardProfile;
  readonly #options: SimulatedBoardOptions;
  readonly #clock: BoardClock;
  readonly #description: BoardDescription;
  readonly #idleW: number;

  constructor(options: SimulatedBoardOptions) {
    this.#profile = options.profile;
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#idleW = idlePowerW(options.profile, options.powerMode);
    this.#description = describeSimulatedBoard(options.profile, {
      timeScale: options.timeScale,
      powerMode: options.powerMode,
      seed: String(options.seed ?? 0),
      agentVersion: options.agentVersion ?? '0.0.0',
    });
  }

  describe(): BoardDescription {
    return this.#description;
  }

  async measure(request: MeasureRequest, modelBytes: Uint8Array, signal: AbortSignal): Promise<Measurement> {
    signal.throwIfAborted();
    const startedAt = this.#clock.now().toISOString();
    const analysisFor = orReject(() => analysesOf(request, modelBytes));
    const analysis = analysisFor(request.config.batchSize);
    const prediction = orReject(() =>
      predict(this.#profile, analysis, request.config, { powerMode: this.#options.powerMode }),
    );
    const loadS = START_S + modelBytes.length / LOAD_BYTES_PER_S;
    // As on a real board, the limit of a request counts what is the model's.
    const limit = Math.min(
      (request.memoryLimitBytes ?? Infinity) + prediction.runtimeBytes,
      this.#profile.memoryBytes - this.#profile.reservedBytes,
    );
    const measurement =
      prediction.memoryBytes > limit
        ? this.#outOfMemory(request, startedAt, loadS, prediction.memoryBytes, limit)
        : this.#measured(request, startedAt, loadS, prediction, this.#play(request, analysisFor));
    const waitMs = measurement.cost.deviceSeconds * 1000 * this.#options.timeScale;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
    return measurement;
  }

  #play(request: MeasureRequest, analysisFor: (batchSize: number) => ModelAnalysis): Played {
    const { config, scenario, stopRule } = request;
    const key = [this.#profile.name, this.#options.seed ?? 0, request.seed, request.signature];
    const seed = [...key, inferenceConfigKey(config), scenarioKey(scenario)].join('|');
    const random = randomFrom(seed);
    const { powerMode } = this.#options;
    const run = new VirtualRun({ profile: this.#profile, powerMode, config, random, analysisFor });
    for (let left = stopRule.warmupRuns; left > 0; left -= 1) run.run(config.batchSize);
    const warmup = { warmupMs: 0, warmupJ: 0, temperatureCBefore: 0 };
    const onWindow = () => {
      // What came before this window, windows that it takes the place of included.
      Object.assign(warmup, {
        warmupMs: warmup.warmupMs + run.elapsedMs,
        warmupJ: warmup.warmupJ + run.grossJ,
        temperatureCBefore: run.thermal.temperatureC,
      });
      run.resetCounters();
      // Heat stays; whether it slowed the board is asked of the window.
      run.thermal.hasThrottled = run.thermal.throttled;
    };
    const arrivals = randomFrom(`${seed}|arrivals`);
    const played = orReject(() => playScenario(run, scenario, config.batchSize, stopRule, arrivals, onWindow));
    return { run, ...played, ...warmup };
  }

  #base(request: MeasureRequest, startedAt: string) {
    return {
      signature: request.signature,
      modelSha256: request.modelSha256,
      deviceClass: deviceClassOf(this.#description),
      config: request.config,
      scenario: request.scenario,
      simulated: true,
      startedAt,
    };
  }

  #outOfMemory(request: MeasureRequest, startedAt: string, loadS: number, bytes: number, limit: number): Measurement {
    const mb = (value: number) => `${Math.round(value / 1e6)} MB`;
    const clockKHz = request.config.clockKHz ?? this.#description.maxClockKHz;
    const { temperatureC } = this.#description;
    return {
      ...this.#base(request, startedAt),
      outcome: 'out-of-memory',
      reason: `out of memory: it needs ${mb(bytes)}, and ${mb(limit)} are free on this board`,
      latencyMs: null,
      throughputPerS: null,
      peakMemoryBytes: null,
      energy: null,
      conditions: this.#conditions(clockKHz, clockKHz, temperatureC, temperatureC, false),
      stopReason: null,
      busyCores: null,
      cost: { deviceSeconds: loadS, deviceJoules: loadS * this.#idleW },
    };
  }

  #conditions(
    clockKHz: number | null,
    clockKHzAfter: number | null,
    temperatureCBefore: number | null,
    temperatureCAfter: number | null,
    throttled: boolean,
  ): Measurement['conditions'] {
    return {
      clockKHzBefore: clockKHz,
      clockKHzDuring: throttled && clockKHz !== null ? clockKHz * this.#profile.thermal.throttledClock : clockKHz,
      clockKHzAfter,
      temperatureCBefore,
      temperatureCAfter,
      governor: this.#description.governor,
      otherLoadCores: 0,
      throttled,
      underVoltage: false,
    };
  }

  #measured(
    request: MeasureRequest,
    startedAt: string,
    loadS: number,
    { memoryBytes, runtimeBytes }: Prediction,
    played: Played,
  ): Measurement {
    const { run, latenciesMs, stopReason, warmupMs, warmupJ, temperatureCBefore } = played;
    const { thermal } = run;
    const clockKHz = request.config.clockKHz ?? this.#description.maxClockKHz;
    const after = clockKHz === null ? null : clockKHz * thermal.clock;
    const { throttleC } = this.#profile.thermal;
    return {
      ...this.#base(request, startedAt),
      outcome: thermal.hasThrottled ? 'invalid' : 'ok',
      reason: thermal.hasThrottled ? `throttled: the board reached ${throttleC} °C and lowered its clock` : null,
      latencyMs: summariseLatencies(latenciesMs),
      throughputPerS: (run.samples * 1000) / run.elapsedMs,
      peakMemoryBytes: memoryBytes - runtimeBytes,
      processPeakMemoryBytes: memoryBytes,
      energy: {
        netJ: run.netJ / run.samples,
        grossJ: run.grossJ / run.samples,
        meanPowerW: (run.grossJ * 1000) / run.elapsedMs,
        source: 'simulated',
        meter: 'cost model',
        sampleCount: 0,
      },
      conditions: this.#conditions(clockKHz, after, temperatureCBefore, thermal.temperatureC, thermal.hasThrottled),
      stopReason,
      busyCores: run.busyCoreMs / run.elapsedMs,
      cost: {
        deviceSeconds: loadS + (warmupMs + run.elapsedMs) / 1000,
        deviceJoules: loadS * this.#idleW + warmupJ + run.grossJ,
      },
    };
  }
}

/**
 * Makes a simulated board. It holds no resources: there is nothing to close.
 * @throws {UnsupportedConfigError} for a power mode that the profile does not have
 */
export function createSimulatedBoard(options: SimulatedBoardOptions): SimulatedBoard {
  return new Board(options);
}
