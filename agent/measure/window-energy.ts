/** Energy over the measured window, above what the board draws with the model loaded and nothing running. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Energy } from '@edgetune/shared/domain/measurement.ts';
import type { EnergyMeter } from '../board/rapl-meter.ts';
import type { WindowObserver } from './window-observer.ts';

/** How long the idle power is watched before a window. */
const IDLE_MS = 300;

/** Energy of the board over the window, and what it draws when nothing is measured. */
export interface WindowEnergy {
  meter: string;
  idleW: number;
  grossJ: number;
  windowMs: number;
}

export class EnergyObserver implements WindowObserver {
  readonly #meter: EnergyMeter | null;
  #start = { idleW: 0, joules: 0, atMs: 0 };
  #energy: WindowEnergy | null = null;

  constructor(meter: EnergyMeter | null) {
    this.#meter = meter;
  }

  async begin(): Promise<void> {
    if (!this.#meter) return;
    const idleW = await idlePowerW(this.#meter);
    this.#start = { idleW, joules: this.#meter.readJ(), atMs: performance.now() };
  }

  end(): void {
    if (!this.#meter) return;
    const { idleW, joules, atMs } = this.#start;
    const grossJ = this.#meter.readJ() - joules;
    this.#energy = { meter: this.#meter.name, idleW, grossJ, windowMs: performance.now() - atMs };
  }

  /** @param ran what the measuring process says of its own window */
  perSample(ran: { samples: number; windowMs: number }): Energy | null {
    return this.#energy && perSample(this.#energy, ran);
  }
}

/** Power while the model is loaded and nothing runs, in watts. */
async function idlePowerW(meter: EnergyMeter): Promise<number> {
  const [startMs, startJ] = [performance.now(), meter.readJ()];
  await sleep(IDLE_MS);
  return (meter.readJ() - startJ) / ((performance.now() - startMs) / 1000);
}

/** The agent's window is a little longer than the child's: both are taken as one at the same mean power. */
export function perSample(
  { meter, idleW, grossJ, windowMs }: WindowEnergy,
  { samples, windowMs: ranMs }: { samples: number; windowMs: number },
): Energy {
  const meanPowerW = grossJ / (windowMs / 1000);
  const seconds = ranMs / 1000 / samples;
  return {
    netJ: Math.max(0, meanPowerW - idleW) * seconds,
    grossJ: meanPowerW * seconds,
    meanPowerW,
    source: 'meter',
    meter,
    // A counter is read at both ends of the window; it integrates by itself.
    sampleCount: 2,
  };
}
