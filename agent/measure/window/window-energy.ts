/** Energy over exactly the measured window, above what the board draws with the model loaded and nothing running. */
import type { Energy } from '@edgetune/shared/domain/measurement.ts';
import { type Host, HostError } from '../../board/host.ts';
import { countedIn, integratePowerJ, longestGapMs, type Window } from '../../board/power/integrate.ts';
import type { PowerMeter } from '../../board/power/power-meter.ts';
import { type PowerRecording, type PowerTrace, recordPower } from '../../board/power/record-power.ts';
import type { WindowObserver } from './window-observer.ts';

/** Energy, or in words why there is none. */
export type EnergyFinding = { energy: Energy; absence: null } | { energy: null; absence: string };

/** How long the idle power is watched before a window, at the least: at most so many readings of the meter. */
const IDLE = { leastMs: 300, readings: 10 } as const;

export class EnergyObserver implements WindowObserver {
  readonly #host: Host;
  readonly #meter: PowerMeter | null;
  readonly #longestWindowMs: number;
  readonly #closed = new AbortController();
  #recording: PowerRecording | null = null;
  #trace: PowerTrace | null = null;
  #idle: Window = { startMs: 0, endMs: 0 };
  #absence = 'this board has no power meter that the agent can read';

  /** @param longestWindowMs how long the measured window can become */
  constructor(host: Host, meter: PowerMeter | null, longestWindowMs: number) {
    this.#host = host;
    this.#meter = meter;
    this.#longestWindowMs = longestWindowMs;
  }

  async begin(): Promise<void> {
    const meter = this.#meter;
    if (!meter) return;
    if (meter.leastWindowMs > this.#longestWindowMs) {
      this.#absence = tooShort(meter, this.#longestWindowMs);
      return;
    }
    try {
      this.#recording = await recordPower(meter, this.#host);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#absence = `${meter.name} could not be read: ${error.message}`;
      return;
    }
    // The measuring process may have died while the meter was opened.
    if (this.#closed.signal.aborted) return this.close();
    const startMs = this.#host.nowMs();
    await this.#host.sleep(Math.max(IDLE.leastMs, meter.intervalMs * IDLE.readings), this.#closed.signal);
    this.#idle = { startMs, endMs: this.#host.nowMs() };
  }

  async end(): Promise<void> {
    this.#trace = (await this.#recording?.stop()) ?? null;
    this.#recording = null;
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the measuring process has ended'));
    await this.#recording?.stop();
    this.#recording = null;
  }

  /** @param ran the measuring process's own window, and how many samples it ran in it */
  perSample(ran: { samples: number; windowStartMs: number; windowMs: number }): EnergyFinding {
    if (!this.#trace) return { energy: null, absence: this.#absence };
    const window = { startMs: ran.windowStartMs, endMs: ran.windowStartMs + ran.windowMs };
    return energyPerSample(this.#trace, { idle: this.#idle, window, samples: ran.samples });
  }
}

/** Longest time without a reading that is tolerated, as a share of the window: the power in between is guessed. */
const MOST_GUESSED = 0.25;

/**
 * Gross energy is what the meter saw in the window; net is what is left when the idle power is taken off. Both per sample.
 * Absent where the meter cannot tell it, and where the board drew no more than when idle: that is no measurement of 0 J.
 */
export function energyPerSample(
  trace: PowerTrace,
  { idle, window, samples }: { idle: Window; window: Window; samples: number },
): EnergyFinding {
  const { meter } = trace;
  const windowMs = window.endMs - window.startMs;
  const absent = (absence: string): EnergyFinding => ({ energy: null, absence });
  if (windowMs < meter.leastWindowMs) return absent(tooShort(meter, windowMs));
  const inside = trace.samples.filter(({ atMs }) => atMs >= window.startMs && atMs <= window.endMs).length;
  const gapMs = longestGapMs(trace.samples, window);
  // A counter goes on counting while it is not read.
  if (meter.kind === 'power' && gapMs > Math.max(2 * meter.intervalMs, windowMs * MOST_GUESSED)) {
    const why = trace.lastFailure ? ` (${trace.failures} readings failed: ${trace.lastFailure})` : '';
    return absent(
      `${meter.name} gave no reading for ${Math.round(gapMs)} ms of a window of ${Math.round(windowMs)} ms${why}`,
    );
  }
  const joulesIn = meter.kind === 'counter' ? countedIn : integratePowerJ;
  const idlePowerW = meanIdleW(trace, idle);
  if (idlePowerW === null) return absent(`${meter.name} gave too few readings while the board was idle`);
  const grossJ = joulesIn(trace.samples, window);
  const netJ = grossJ - idlePowerW * (windowMs / 1000);
  if (netJ <= 0) {
    const [mean, rest] = [grossJ / (windowMs / 1000), idlePowerW].map((watts) => watts.toFixed(2));
    return absent(`${meter.name} saw no more power while measuring (${mean} W) than when idle (${rest} W)`);
  }
  return {
    absence: null,
    energy: {
      netJ: netJ / samples,
      grossJ: grossJ / samples,
      meanPowerW: grossJ / (windowMs / 1000),
      idlePowerW,
      source: 'meter',
      meter: meter.name,
      sampleCount: inside,
      sampleRateHz: inside / (windowMs / 1000),
    },
  };
}

/** Between the first and the last reading of the idle time: what comes after them is no longer idle. */
function meanIdleW({ meter, samples }: PowerTrace, idle: Window): number | null {
  const inside = samples.filter(({ atMs }) => atMs >= idle.startMs && atMs < idle.endMs);
  const [first, last] = [inside[0], inside.at(-1)];
  if (!first || !last || first === last) return null;
  const between = { startMs: first.atMs, endMs: last.atMs };
  return (meter.kind === 'counter' ? countedIn : integratePowerJ)(inside, between) / ((last.atMs - first.atMs) / 1000);
}

function tooShort(meter: Pick<PowerMeter, 'name' | 'leastWindowMs'>, windowMs: number): string {
  return `${meter.name} needs windows of ${meter.leastWindowMs / 1000} s or more, and this one had ${(windowMs / 1000).toFixed(1)} s at most`;
}
