/** What the configs of one search have answered, and whether the device can be measured now. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { MeasurementSource } from './inference-server.ts';
import type { Known } from './known-measurements.ts';
import type { Answer } from './measurer.ts';

export type OnMeasured = (measurement: StoredMeasurement, source: MeasurementSource) => void;

export interface EvaluationOptions {
  deviceId: string;
  obtain(config: InferenceConfig): Promise<Answer>;
  onMeasured: OnMeasured;
  /** Devices whose latest measurement was disturbed, of all searches: the next search ends at the first that is. */
  disturbed: Set<string>;
  signal: AbortSignal;
}

/** The device gives no valid measurement now. */
export class UnfitError extends Error {
  override name = 'UnfitError';
}

export class Evaluation {
  readonly #options: EvaluationOptions;
  /** What was measured or reused, in order; without what is invalid. */
  readonly all: Known[] = [];
  /** Why the latest config that gave no metrics gave none. */
  reason: string | null = null;
  /** Why the latest invalid measurement is invalid. */
  unfit: string | null = null;

  constructor(options: EvaluationOptions) {
    this.#options = options;
  }

  /**
   * Null where there is no measurement that tells of the config.
   * @throws {UnfitError} where the device is disturbed for the second time
   */
  async evaluate(config: InferenceConfig): Promise<StoredMeasurement | null> {
    const { obtain, onMeasured, disturbed, deviceId, signal } = this.#options;
    signal.throwIfAborted();
    const answer = await obtain(config);
    if ('reason' in answer) {
      this.reason = answer.reason;
      return null;
    }
    const { measurement, source } = answer;
    onMeasured(measurement, source);
    if (measurement.outcome === 'invalid') {
      this.#judgeInvalid(measurement);
      return null;
    }
    if (source === 'measured') disturbed.delete(deviceId);
    this.all.push(answer);
    if (measurement.outcome !== 'ok') this.reason = measurement.reason ?? measurement.outcome;
    return measurement;
  }

  #judgeInvalid({ conditions, reason }: StoredMeasurement): void {
    const { disturbed, deviceId } = this.#options;
    this.unfit = `${reason ?? 'invalid'}; ${cureOf(conditions)}`;
    // Another config may heat the board less; other programs disturb them all.
    if (conditions.throttled || conditions.underVoltage) return;
    // The agent has tried several times: the next config would fare the same.
    if (disturbed.has(deviceId)) throw new UnfitError(this.unfit);
    disturbed.add(deviceId);
  }
}

/** What a person can do about a board that gives no valid measurement. */
function cureOf({ throttled, underVoltage }: StoredMeasurement['conditions']): string {
  if (underVoltage) return 'give it a stronger power supply or a shorter cable';
  if (throttled) return 'let it cool better';
  return 'end other programs there, or start its agent with --tolerate-load';
}
