/**
 * Another sample rate: each new sample is the sum of the old ones under a sinc, windowed after Kaiser, whose pass-band ends
 * below half of the lower rate, so that nothing folds back (Smith, "Digital Audio Resampling",
 * https://ccrma.stanford.edu/~jos/resample).
 */
import type { AudioClip } from './wav.ts';

/** Zero crossings of the sinc to each side. */
const CROSSINGS = 24;
/** Of the lower Nyquist frequency: from there on the filter falls. */
const ROLL_OFF = 0.94;
/** Kaiser's β: about 90 dB in the stop-band. */
const BETA = 9;

export function resampled({ samples, sampleRateHz }: AudioClip, toHz: number): AudioClip {
  if (sampleRateHz === toHz) return { samples, sampleRateHz };
  const ratio = toHz / sampleRateHz;
  /** As a share of the old rate. */
  const cutoff = 0.5 * ROLL_OFF * Math.min(1, ratio);
  const reach = CROSSINGS / (2 * cutoff);
  const made = new Float32Array(Math.max(1, Math.round(samples.length * ratio)));
  for (let at = 0; at < made.length; at++) {
    const centre = at / ratio;
    const last = Math.min(samples.length - 1, Math.floor(centre + reach));
    let sum = 0;
    for (let i = Math.max(0, Math.ceil(centre - reach)); i <= last; i++) {
      const distance = i - centre;
      sum += sinc(2 * cutoff * distance) * kaiser(distance / reach) * (samples[i] as number);
    }
    made[at] = 2 * cutoff * sum;
  }
  return { samples: made, sampleRateHz: toHz };
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** The window at so many places from its middle to its end; between them nothing changes that could be heard. */
const STEPS = 4096;
const WINDOW = Float64Array.from(
  { length: STEPS + 1 },
  (_, i) => bessel(BETA * Math.sqrt(1 - (i / STEPS) ** 2)) / bessel(BETA),
);
const kaiser = (x: number) => WINDOW[Math.min(STEPS, Math.round(Math.abs(x) * STEPS))] as number;

/** Modified Bessel function of the first kind, of order 0 (Abramowitz & Stegun, 1964, 9.6.12). */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-9 * sum; k++) {
    term *= (x / 2 / k) ** 2;
    sum += term;
  }
  return sum;
}
