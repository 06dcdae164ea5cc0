/** Recordings: WAV of every kind, other sample rates, lists and folders of splits. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FRAMES, MEL_BANDS } from '../../../../coordinator/training/datasets/decode/log-mel.ts';
import { resampled } from '../../../../coordinator/training/datasets/decode/resample.ts';
import { readWav, wavRate } from '../../../../coordinator/training/datasets/decode/wav.ts';
import { tone, wavBytes } from '../../../support/wav.ts';
import { countsOf, readFolder, refused, saidOf } from '../support/refusals.ts';

/** A WAV file of any encoding; `extensible`: with the longer header. */
function wav(
  samples: readonly number[],
  { bits = 16, isFloat = false, channels = 1, rate = 8000, extensible = false } = {},
): Buffer {
  const format = Buffer.alloc(extensible ? 40 : 16);
  const code = isFloat ? 3 : 1;
  format.writeUInt16LE(extensible ? 0xfffe : code, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt32LE((rate * channels * bits) / 8, 8);
  format.writeUInt16LE((channels * bits) / 8, 12);
  format.writeUInt16LE(bits, 14);
  if (extensible) {
    format.writeUInt16LE(22, 16);
    format.writeUInt16LE(bits, 18);
    format.writeUInt16LE(code, 24);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(format, 26);
  }
  const data = Buffer.alloc((samples.length * bits) / 8);
  for (const [i, sample] of samples.entries()) {
    if (isFloat && bits === 32) data.writeFloatLE(sample, 4 * i);
    else if (isFloat) data.writeDoubleLE(sample, 8 * i);
    else if (bits === 8) data.writeUInt8(Math.round(sample * 128) + 128, i);
    else data.writeIntLE(Math.round(sample * 2 ** (bits - 1)), (bits / 8) * i, bits / 8);
  }
  const chunk = (name: string, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.write(name, 0);
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body]);
  };
  const body = Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', format), chunk('data', data)]);
  return chunk('RIFF', body);
}

describe('WAV', () => {
  const samples = [0, 0.5, -1, 0.25];
  const read = (bytes: Uint8Array) => readWav('x.wav', bytes);

  it('gives the same samples whatever the encoding', () => {
    for (const encoding of [
      { bits: 8 },
      { bits: 16 },
      { bits: 24 },
      { bits: 32 },
      { bits: 32, isFloat: true },
      { bits: 64, isFloat: true },
    ])
      for (const extensible of [false, true]) {
        const bytes = wav(samples, { ...encoding, extensible, rate: 16_000 });
        assert.deepEqual(
          read(bytes),
          { sampleRateHz: 16_000, samples: Float32Array.from(samples) },
          JSON.stringify(encoding),
        );
        assert.equal(wavRate('x.wav', bytes.subarray(0, 100)), 16_000);
      }
  });

  it('averages channels, and skips chunks before the data', () => {
    assert.deepEqual([...read(wav([0.5, 0, -0.75, 0.75], { channels: 2 })).samples], [0.25, 0]);
    const plain = wavBytes(samples, { sampleRateHz: 16_000 });
    const extra = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1'); // An odd chunk is followed by a padding byte.
    const bytes = Buffer.concat([plain.subarray(0, 36), extra, plain.subarray(36)]);
    assert.deepEqual(read(bytes), read(plain));
    const open = Buffer.from(plain);
    open.writeUInt32LE(0xffffffff, 40);
    assert.deepEqual(read(open), read(plain));
  });

  it('refuses what is no such file, naming it', () => {
    const good = wavBytes(tone(500, 0.1));
    for (const [bytes, message] of [
      [Buffer.from('hello, I am a text file'), /x\.wav is no WAV file/],
      [good.subarray(0, good.length - 10), /x\.wav is truncated.*1600 bytes, 1590/],
      [good.subarray(0, 36), /x\.wav has no audio/],
      [wavBytes([]), /x\.wav has no audio/],
      [wav(samples, { bits: 32, isFloat: true }).fill(0xff, 46, 50), /its sample 1 is no number/],
    ] as const)
      assert.throws(() => read(bytes), refused(message));
    const mulaw = Buffer.from(good);
    mulaw.writeUInt16LE(7, 20);
    assert.throws(() => read(mulaw), refused(/encoding 7, 1 channels, 16 bits: expected PCM/));
  });
});

describe('another sample rate', () => {
  const loudness = (samples: Float32Array, from = 0.2, to = 0.8) => {
    const middle = samples.subarray(Math.round(from * samples.length), Math.round(to * samples.length));
    return Math.sqrt(middle.reduce((sum, value) => sum + value * value, 0) / middle.length);
  };

  it('keeps a tone that fits, and what does not is gone instead of folded back', () => {
    for (const [from, to] of [
      [44_100, 16_000],
      [48_000, 8000],
      [8000, 16_000],
      [22_050, 16_000],
    ] as const) {
      const kept = resampled({ samples: tone(1000, 0.5, from), sampleRateHz: from }, to);
      assert.equal(kept.samples.length, to / 2);
      const expected = tone(1000, 0.5, to);
      const worst = Math.max(
        ...kept.samples
          .slice(to / 10, to / 2 - to / 10)
          .map((value, i) => Math.abs(value - (expected[i + to / 10] as number))),
      );
      assert.ok(worst < 1e-3, `${from} to ${to}: ${worst}`);
    }
    // 10 kHz in 16 kHz would be heard as 6 kHz.
    const gone = resampled({ samples: tone(10_000, 0.5, 44_100), sampleRateHz: 44_100 }, 16_000);
    assert.ok(loudness(gone.samples) < 1e-3, String(loudness(gone.samples)));
  });
});

/** Two words, each with ten recordings per split, no two alike. */
function smallFolder(change: Record<string, string | Uint8Array> = {}): Record<string, string | Uint8Array> {
  const recordings = ['no', 'yes'].flatMap((word, i) =>
    Array.from({ length: 30 }, (_, n) => [`${word}/${n}.wav`, wavBytes(tone(500 + 500 * i + 7 * n, 0.3))] as const),
  );
  const list = (remainder: number) =>
    recordings
      .map(([name]) => name)
      .filter((_, n) => n % 3 === remainder)
      .join('\r\n');
  return {
    ...Object.fromEntries(recordings),
    '_background_noise_/hum.wav': 'not read',
    'validation_list.txt': list(1),
    'testing_list.txt': list(2),
    ...change,
  };
}

describe('a folder of recordings', () => {
  const splits = async (t: TestContext, files: Record<string, string | Uint8Array>, settings = {}) => {
    const read = await readFolder(t, files, settings);
    const { train, validation, test } = read.finished.data;
    return { read, counts: [train, validation, test].map(({ labels }) => labels.length) };
  };

  it('is split by its lists, and background noise is no word', async (t) => {
    const { read, counts } = await splits(t, smallFolder());
    assert.deepEqual(counts, [20, 20, 20]);
    assert.deepEqual(read.finished.data.classes, ['no', 'yes']);
    assert.equal(read.finished.data.train.values.length, 20 * FRAMES * MEL_BANDS);
  });

  it('without lists by folders, or by a cut', async (t) => {
    const {
      'validation_list.txt': _,
      'testing_list.txt': __,
      '_background_noise_/hum.wav': ___,
      ...files
    } = smallFolder();
    assert.deepEqual((await splits(t, files)).counts, [43, 8, 9]);
    const folders = Object.fromEntries(
      Object.entries(files).map(([name, bytes], i) => [
        `${['train', 'train', 'train', 'val', 'test'][i % 5]}/${name}`,
        bytes,
      ]),
    );
    assert.deepEqual((await splits(t, folders)).counts, [36, 12, 12]);
  });

  it('takes .WAV, every encoding and sample rate; what was converted is said', async (t) => {
    const samples = [...tone(700, 0.3, 16_000)];
    const { read } = await splits(
      t,
      smallFolder({
        'no/LOUD.WAV': wav(samples, { rate: 16_000, bits: 24 }),
        'yes/both.wav': wav(samples, { channels: 2, extensible: true, bits: 32, isFloat: true }),
      }),
    );
    assert.deepEqual(countsOf(read), { no: 31, yes: 31 });
    assert.match(saidOf(read), /several sample rates \(61 of 8000 Hz, 1 of 16000 Hz\): all are converted to 8000 Hz/);
    const { data } = (await splits(t, smallFolder(), { sampleRateHz: 16_000 })).read.finished;
    assert.equal('sampleRateHz' in data && data.sampleRateHz, 16_000);
  });

  it('recordings that are empty, damaged, silent or no WAV are named; too many are refused', async (t) => {
    const { read } = await splits(
      t,
      smallFolder({
        'no/empty.wav': wavBytes([]),
        'no/page.wav': '<html>',
        'yes/quiet.wav': wavBytes(new Float32Array(4000)),
        'yes/song.mp3': 'x',
        'yes/long.wav': wavBytes(tone(300, 3)),
      }),
    );
    const said = saidOf(read);
    assert.match(
      said,
      /warning: 2 recordings cannot be read and are left out: no\/empty\.wav has no audio.*; no\/page\.wav is no WAV/,
    );
    assert.match(said, /warning: 1 recording is silent: yes\/quiet\.wav/);
    assert.match(said, /warning: 1 recording that is not WAV is left out: convert yes\/song\.mp3/);
    assert.match(said, /1 recording longer than 1 s/);
    const broken = Object.fromEntries(
      Object.keys(smallFolder())
        .filter((name) => name.endsWith('.wav'))
        .map((name) => [name, wavBytes([])]),
    );
    await assert.rejects(readFolder(t, broken), refused(/60 of 60 recordings cannot be read/));
  });

  it('refuses lists that do not fit', async (t) => {
    const bad = (change: Record<string, string>) => readFolder(t, smallFolder(change));
    await assert.rejects(
      bad({ 'testing_list.txt': 'no/z.wav' }),
      refused(/testing_list\.txt names no\/z\.wav, which is not there/),
    );
    await assert.rejects(bad({ 'testing_list.txt': 'no/1.wav' }), refused(/no\/1\.wav is in both/));
  });
});
