/** The state of the board before, during and after the measured window. */
import type { Conditions } from '@edgetune/shared/domain/measurement.ts';
import { busyCpuSeconds, currentClockKHz, governor, temperatureC } from '../board/conditions.ts';
import type { WindowObserver } from './window-observer.ts';

export class ConditionsObserver implements WindowObserver {
  readonly #before = { clockKHz: currentClockKHz(), temperatureC: temperatureC() };
  readonly #lookAfterMs: number;
  #clockDuring: number | null = null;
  #start: { atMs: number; busyS: number | null } | null = null;
  #busy: { seconds: number; cores: number } | null = null;

  /** @param lookAfterMs how long after its begin the window is looked into */
  constructor(lookAfterMs: number) {
    this.#lookAfterMs = lookAfterMs;
  }

  async begin(): Promise<void> {
    this.#start = { atMs: performance.now(), busyS: busyCpuSeconds() };
    setTimeout(() => {
      this.#clockDuring = currentClockKHz();
    }, this.#lookAfterMs).unref();
  }

  end(): void {
    const busyS = busyCpuSeconds();
    if (!this.#start || this.#start.busyS === null || busyS === null) return;
    const seconds = Math.max(1e-3, (performance.now() - this.#start.atMs) / 1000);
    this.#busy = { seconds, cores: (busyS - this.#start.busyS) / seconds };
  }

  /**
   * What is known now, which is after the window.
   * @param ownCpuSeconds what the measured process itself computed in the window; null where it came to no end
   */
  conditions(ownCpuSeconds: number | null): Conditions {
    return {
      clockKHzBefore: this.#before.clockKHz,
      clockKHzDuring: this.#clockDuring,
      clockKHzAfter: currentClockKHz(),
      temperatureCBefore: this.#before.temperatureC,
      temperatureCAfter: temperatureC(),
      governor: governor(),
      otherLoadCores:
        this.#busy && ownCpuSeconds !== null
          ? Math.max(0, this.#busy.cores - ownCpuSeconds / this.#busy.seconds)
          : null,
      throttled: null,
      underVoltage: null,
    };
  }
}
