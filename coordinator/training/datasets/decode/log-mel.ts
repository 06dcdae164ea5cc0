/**
 * Log-mel spectrograms of one second of speech: power spectra of Hann windows of 32 ms every 20 ms, summed under
 * triangles on the mel scale (O'Shaughnessy, "Speech Communication", 1987), then their natural logarithm.
 */
import type { AudioClip } from './wav.ts';

export const MEL_BANDS = 32;
export const WINDOW_MS = 32;
export const HOP_MS = 20;
export const CLIP_SECONDS = 1;
/** Added before the logarithm: digital silence has one, too. */
export const LOG_OFFSET = 1e-6;
/** Frames of a clip, at any sample rate. */
export const FRAMES = 1 + Math.floor((1000 * CLIP_SECONDS - WINDOW_MS) / HOP_MS);

/** Computes the spectrograms of clips of one sample rate. */
export class LogMel {
  readonly #hop: number;
  readonly #length: number;
  readonly #window: Float64Array;
  readonly #fftSize: number;
  /** Per mel band: its first bin of the spectrum and the weights from there. */
  readonly #bands: { first: number; weights: number[] }[];

  constructor(sampleRateHz: number) {
    const windowSize = Math.floor((WINDOW_MS / 1000) * sampleRateHz);
    this.#hop = (HOP_MS / 1000) * sampleRateHz;
    this.#length = Math.round(CLIP_SECONDS * sampleRateHz);
    this.#window = Float64Array.from({ length: windowSize }, (_, i) => Math.sin((Math.PI * i) / windowSize) ** 2);
    this.#fftSize = 2 ** Math.ceil(Math.log2(windowSize));
    this.#bands = melBands(sampleRateHz, this.#fftSize);
  }

  /** The spectrogram as FRAMES × MEL_BANDS values. A shorter clip is padded at both ends, a longer one loses both. */
  spectrogram({ samples }: AudioClip): Float32Array {
    const offset = Math.floor((samples.length - this.#length) / 2);
    const values = new Float32Array(FRAMES * MEL_BANDS);
    for (let frame = 0; frame < FRAMES; frame++) {
      const start = Math.round(frame * this.#hop);
      const windowed = this.#window.map((weight, i) => weight * (samples[offset + start + i] ?? 0));
      const power = powerSpectrum(windowed, this.#fftSize);
      for (const [band, { first, weights }] of this.#bands.entries()) {
        const energy = weights.reduce((sum, weight, i) => sum + weight * (power[first + i] as number), 0);
        values[frame * MEL_BANDS + band] = Math.log(energy + LOG_OFFSET);
      }
    }
    return values;
  }
}

function melBands(sampleRateHz: number, fftSize: number): { first: number; weights: number[] }[] {
  const mel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
  const hz = (value: number) => 700 * (10 ** (value / 2595) - 1);
  const highest = mel(sampleRateHz / 2);
  const edges = Array.from({ length: MEL_BANDS + 2 }, (_, i) => hz((highest * i) / (MEL_BANDS + 1)));
  const binHz = sampleRateHz / fftSize;
  return Array.from({ length: MEL_BANDS }, (_, band) => {
    const [low, centre, high] = edges.slice(band, band + 3) as [number, number, number];
    const first = Math.ceil(low / binHz);
    const last = Math.min(fftSize / 2, Math.max(first, Math.floor(high / binHz)));
    const weights = Array.from({ length: last - first + 1 }, (_, i) => {
      const at = (first + i) * binHz;
      return Math.max(0, Math.min((at - low) / (centre - low), (high - at) / (high - centre)));
    });
    return { first, weights };
  });
}

/** Of half a turn, for every bin: the same for all frames. */
interface Turns {
  cosines: Float64Array;
  sines: Float64Array;
}
const known = new Map<number, Turns>();

function turnsOf(size: number): Turns {
  const before = known.get(size);
  if (before) return before;
  const angles = Array.from({ length: size / 2 }, (_, k) => (2 * Math.PI * k) / size);
  const turns = {
    cosines: Float64Array.from(angles, Math.cos),
    sines: Float64Array.from(angles, (angle) => -Math.sin(angle)),
  };
  known.set(size, turns);
  return turns;
}

/** |FFT|² ÷ size of a real signal padded with zeros, for the bins 0 to size ÷ 2 (radix 2: Cooley & Tukey, 1965). */
export function powerSpectrum(signal: ArrayLike<number>, size: number): Float64Array {
  const { cosines, sines } = turnsOf(size);
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0, reversed = 0; i < size; i++) {
    real[reversed] = signal[i] ?? 0;
    let bit = size >> 1;
    for (; reversed & bit; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
  }
  for (let half = 1; half < size; half *= 2) {
    const stride = size / 2 / half;
    for (let k = 0; k < half; k++) {
      const cosine = cosines[k * stride] as number;
      const sine = sines[k * stride] as number;
      for (let a = k, b = k + half; b < size; a += 2 * half, b += 2 * half) {
        const re = real[b] as number;
        const im = imaginary[b] as number;
        const turnedRe = re * cosine - im * sine;
        const turnedIm = re * sine + im * cosine;
        real[b] = (real[a] as number) - turnedRe;
        imaginary[b] = (imaginary[a] as number) - turnedIm;
        real[a] = (real[a] as number) + turnedRe;
        imaginary[a] = (imaginary[a] as number) + turnedIm;
      }
    }
  }
  return Float64Array.from(
    { length: size / 2 + 1 },
    (_, bin) => ((real[bin] as number) ** 2 + (imaginary[bin] as number) ** 2) / size,
  );
}
