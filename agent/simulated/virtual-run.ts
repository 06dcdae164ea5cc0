/** One model on one simulated board: each run takes virtual time, draws power and heats the board. */
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { idlePowerW, type Prediction, predict } from '@edgetune/shared/costmodel/predict.ts';
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { Random } from '@edgetune/shared/math/random.ts';
import type { ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
import { ThermalState } from './thermal.ts';

export interface VirtualRunOptions {
  profile: BoardProfile;
  powerMode: string | undefined;
  config: InferenceConfig;
  random: Random;
  /** The model's analysis for so many samples per run. */
  analysisFor: (batchSize: number) => ModelAnalysis;
}

export class VirtualRun {
  readonly thermal: ThermalState;
  elapsedMs = 0;
  samples = 0;
  /** Energy of the window, and the part of it that is above idle. */
  grossJ = 0;
  netJ = 0;
  busyCoreMs = 0;
  readonly #options: VirtualRunOptions;
  readonly #level: number;
  readonly #idleW: number;
  readonly #predictions = new Map<string, Prediction>();

  constructor(options: VirtualRunOptions) {
    this.#options = options;
    const { profile, random, powerMode } = options;
    this.#idleW = idlePowerW(profile, powerMode);
    this.#level = Math.exp(profile.noise.sessionCv * random.normal());
    this.thermal = new ThermalState(profile.thermal, this.#idleW);
  }

  /** Starts the measured window: what came before was warm-up. */
  resetCounters(): void {
    Object.assign(this, { elapsedMs: 0, samples: 0, grossJ: 0, netJ: 0, busyCoreMs: 0 });
  }

  /** Runs one batch; returns how long it took, in milliseconds. */
  run(batchSize: number): number {
    const { latencyMs, powerW, netEnergyJ, energyJ, busyCores } = this.#predict(batchSize);
    const ms = latencyMs * this.#level * this.#noise();
    const idleShare = energyJ > 0 ? 1 - netEnergyJ / energyJ : 1;
    this.#pass(ms, powerW, powerW * idleShare);
    this.samples += batchSize;
    this.busyCoreMs += busyCores * ms;
    return ms;
  }

  /** Lets time pass without work. */
  wait(ms: number): void {
    if (ms <= 0) return;
    this.#pass(ms, this.#idleW, this.#idleW);
  }

  #pass(ms: number, powerW: number, idleW: number): void {
    this.elapsedMs += ms;
    this.grossJ += (powerW * ms) / 1000;
    this.netJ += ((powerW - idleW) * ms) / 1000;
    this.thermal.advance(ms / 1000, powerW);
  }

  /** A log-normal body, and now and then a run that something else on the board delays. */
  #noise(): number {
    const { random, profile } = this.#options;
    const { runCv, tailShare, tailScale } = profile.noise;
    const body = Math.exp(runCv * random.normal());
    return random.uniform() < tailShare ? body * (1 + tailScale * random.exponential()) : body;
  }

  #predict(batchSize: number): Prediction {
    const { profile, config, powerMode, analysisFor } = this.#options;
    const key = `${batchSize}@${this.thermal.clock}`;
    let prediction = this.#predictions.get(key);
    if (!prediction) {
      const state = { powerMode, thermalClock: this.thermal.clock };
      prediction = predict(profile, analysisFor(batchSize), config, state);
      this.#predictions.set(key, prediction);
    }
    return prediction;
  }
}
