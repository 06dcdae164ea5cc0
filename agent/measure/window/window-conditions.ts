/** The state of the board before, during and after the measured window, and what it warned of meanwhile. */
import type { Conditions } from '@edgetune/shared/domain/measurement.ts';
import {
  busyCpuSeconds,
  currentClockKHz,
  governor,
  gpuClockKHz,
  heldClockKHz,
  temperatureC,
} from '../../board/conditions.ts';
import { type Host, HostError } from '../../board/host.ts';
import { countedIn, type Sample } from '../../board/power/integrate.ts';
import { poll } from '../../board/power/record-power.ts';
import { type Warning, type WarningSource, warningsDuring } from '../../board/warnings/warning.ts';
import type { WindowObserver } from './window-observer.ts';

/** How often the clock and the warnings are looked at: on a Raspberry Pi each look starts a process. */
const LOOK_EVERY_MS = { least: 50, most: 500 } as const;

/** The measuring process's own window. */
export interface RanWindow {
  windowStartMs: number;
  windowMs: number;
  /** What the measured model itself computed in it, and what the measuring process did for it. */
  cpuSeconds: number;
  attendingCpuSeconds: number;
}

export class ConditionsObserver implements WindowObserver {
  readonly #host: Host;
  readonly #sources: readonly WarningSource[];
  readonly #lookEveryMs: number;
  readonly #before: { clockKHz: number | null; temperatureC: number | null };
  readonly #closed = new AbortController();
  readonly #clocksKHz: Sample[] = [];
  readonly #gpuClocksKHz: Sample[] = [];
  /** Seconds for which all cores together have been busy. */
  readonly #busyS: Sample[] = [];
  readonly #readings: Warning[][][];
  #polling: Promise<void> = Promise.resolve();
  #heldClockKHz: number | null = null;

  /** @param shortestWindowMs how short the measured window can be: it is looked into at least once */
  constructor(host: Host, sources: readonly WarningSource[], shortestWindowMs: number) {
    this.#host = host;
    this.#sources = sources;
    this.#lookEveryMs = Math.min(LOOK_EVERY_MS.most, Math.max(LOOK_EVERY_MS.least, shortestWindowMs / 2));
    this.#before = { clockKHz: currentClockKHz(host), temperatureC: temperatureC(host) };
    this.#readings = sources.map(() => []);
  }

  async begin(): Promise<void> {
    await this.#readWarnings();
    this.#heldClockKHz = heldClockKHz(this.#host);
    this.#keep(this.#busyS, busyCpuSeconds(this.#host));
    this.#polling = poll(this.#host, this.#lookEveryMs, () => this.#look(), this.#closed.signal);
  }

  async end(): Promise<void> {
    this.#keep(this.#busyS, busyCpuSeconds(this.#host));
    await this.close();
    await this.#readWarnings();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#polling;
  }

  /**
   * What is known now, which is after the window.
   * @param ran null where the measuring process came to no end
   */
  conditions(ran: RanWindow | null): Conditions {
    const warnings = this.#readings.flatMap((readings) => warningsDuring(readings));
    const told = (kind: Warning['kind']) =>
      this.#sources.some((source, i) => source.kinds.includes(kind) && (this.#readings[i]?.length ?? 0) >= 2)
        ? warnings.some((warning) => warning.kind === kind)
        : null;
    const { median, lowest } = clocksIn(this.#clocksKHz, ran);
    const gpu = clocksIn(this.#gpuClocksKHz, ran);
    const fell = fallOfClock(this.#heldClockKHz, lowest);
    return {
      clockKHzBefore: this.#before.clockKHz,
      clockKHzDuring: median,
      clockKHzLowest: lowest,
      clockKHzAfter: currentClockKHz(this.#host),
      ...(gpu.median === null ? {} : { gpuClockKHzDuring: gpu.median, gpuClockKHzLowest: gpu.lowest }),
      temperatureCBefore: this.#before.temperatureC,
      temperatureCAfter: temperatureC(this.#host),
      governor: governor(this.#host),
      otherLoadCores: ran && this.#otherLoadCores(ran),
      throttled: fell !== null || told('throttled'),
      underVoltage: told('under-voltage'),
      warnings: [...new Set([...warnings.map(({ what }) => what), ...(fell === null ? [] : [fell])])],
    };
  }

  #otherLoadCores({ windowStartMs, windowMs, cpuSeconds, attendingCpuSeconds }: RanWindow): number | null {
    if (this.#busyS.length < 2) return null;
    const busyS = countedIn(this.#busyS, { startMs: windowStartMs, endMs: windowStartMs + windowMs });
    return Math.max(0, (busyS - cpuSeconds - attendingCpuSeconds) / (windowMs / 1000));
  }

  async #look(): Promise<void> {
    this.#keep(this.#clocksKHz, currentClockKHz(this.#host));
    this.#keep(this.#gpuClocksKHz, gpuClockKHz(this.#host));
    this.#keep(this.#busyS, busyCpuSeconds(this.#host));
    await this.#readWarnings();
  }

  #keep(samples: Sample[], value: number | null): void {
    if (value !== null) samples.push({ atMs: this.#host.nowMs(), value });
  }

  async #readWarnings(): Promise<void> {
    await Promise.all(
      this.#sources.map(async (source, i) => {
        try {
          this.#readings[i]?.push(await source.read());
        } catch (error) {
          // One reading less; with fewer than two the board has told nothing.
          if (!(error instanceof HostError)) throw error;
        }
      }),
    );
  }
}

/** Of those seen in the window; where it came to no end, of all. */
function clocksIn(seen: readonly Sample[], ran: RanWindow | null): { median: number | null; lowest: number | null } {
  const [startMs, endMs] = ran ? [ran.windowStartMs, ran.windowStartMs + ran.windowMs] : [0, Infinity];
  const sorted = seen
    .filter(({ atMs }) => atMs >= startMs && atMs <= endMs)
    .map(({ value }) => value)
    .sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? null, lowest: sorted[0] ?? null };
}

/** A clock that reads a little lower than it was set to is rounding; one that reads below this share was lowered. */
const HELD = 0.9;

function fallOfClock(heldKHz: number | null, lowestKHz: number | null): string | null {
  if (heldKHz === null || lowestKHz === null || lowestKHz >= heldKHz * HELD) return null;
  return `the clock fell to ${Math.round(lowestKHz / 1000)} MHz, though it was set to ${Math.round(heldKHz / 1000)} MHz`;
}
