import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  FRAMES,
  LOG_OFFSET,
  LogMel,
  MEL_BANDS,
  powerSpectrum,
} from '../../../../coordinator/training/datasets/decode/log-mel.ts';
import { tone } from '../../../support/wav.ts';

/** The definition of the discrete Fourier transform. */
function naivePowerSpectrum(signal: readonly number[], size: number): number[] {
  return Array.from({ length: size / 2 + 1 }, (_, bin) => {
    let [re, im] = [0, 0];
    for (const [i, value] of signal.entries()) {
      re += value * Math.cos((2 * Math.PI * bin * i) / size);
      im -= value * Math.sin((2 * Math.PI * bin * i) / size);
    }
    return (re * re + im * im) / size;
  });
}

it('the fast spectrum is the definition’s, padded with zeros', () => {
  const signals = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 32 });
  fc.assert(
    fc.property(signals, (signal) => {
      const expected = naivePowerSpectrum(signal, 32);
      for (const [bin, power] of powerSpectrum(signal, 32).entries())
        assert.ok(Math.abs(power - (expected[bin] as number)) < 1e-9);
    }),
  );
});

it('a tone is loudest in the band around its frequency, at any sample rate', () => {
  const mel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
  for (const sampleRateHz of [8000, 16_000]) {
    for (const hz of [300, 1000, 3000]) {
      const values = new LogMel(sampleRateHz).spectrogram({ sampleRateHz, samples: tone(hz, 1, sampleRateHz) });
      const frame = [...values.subarray(20 * MEL_BANDS, 21 * MEL_BANDS)];
      const loudest = frame.indexOf(Math.max(...frame));
      const expected = (mel(hz) / mel(sampleRateHz / 2)) * (MEL_BANDS + 1) - 1;
      assert.ok(Math.abs(loudest - expected) <= 1, `${hz} Hz at ${sampleRateHz}: band ${loudest}, not ${expected}`);
    }
  }
});

it('a short clip is centred in silence, a long one loses both ends', () => {
  const logMel = new LogMel(8000);
  const silence = Math.fround(Math.log(LOG_OFFSET));
  const short = logMel.spectrogram({ sampleRateHz: 8000, samples: tone(1000, 0.2) });
  const loud = (frame: number) =>
    short.subarray(frame * MEL_BANDS, (frame + 1) * MEL_BANDS).some((value) => value !== silence);
  assert.deepEqual([loud(0), loud(Math.floor(FRAMES / 2)), loud(FRAMES - 1)], [false, true, false]);
  const long = tone(1000, 3);
  assert.deepEqual(
    logMel.spectrogram({ sampleRateHz: 8000, samples: long }),
    logMel.spectrogram({ sampleRateHz: 8000, samples: long.subarray(8000, 16_000) }),
  );
});
