/** Heat over virtual time: one thermal resistance and one time constant, and a throttle with hysteresis. */
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';

/** The clock comes back when the board has cooled this far below its throttling temperature. */
const HYSTERESIS_C = 5;

export class ThermalState {
  temperatureC: number;
  throttled = false;
  /** Whether it ever throttled since it was made. */
  hasThrottled = false;
  readonly #thermal: BoardProfile['thermal'];

  /** Starts in equilibrium at `idleW`: an agent lets a board cool down before it measures. */
  constructor(thermal: BoardProfile['thermal'], idleW: number) {
    this.#thermal = thermal;
    this.temperatureC = thermal.ambientC + thermal.resistanceCPerW * idleW;
  }

  /** Share of the clock that heat leaves now. */
  get clock(): number {
    return this.throttled ? this.#thermal.throttledClock : 1;
  }

  /** Lets `seconds` pass while the board draws `powerW`. */
  advance(seconds: number, powerW: number): void {
    const { ambientC, resistanceCPerW, timeConstantS, throttleC } = this.#thermal;
    const target = ambientC + resistanceCPerW * powerW;
    this.temperatureC = target + (this.temperatureC - target) * Math.exp(-seconds / timeConstantS);
    if (this.temperatureC >= throttleC) this.throttled = true;
    else if (this.temperatureC < throttleC - HYSTERESIS_C) this.throttled = false;
    this.hasThrottled ||= this.throttled;
  }
}
