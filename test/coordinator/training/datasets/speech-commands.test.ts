import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FRAMES, MEL_BANDS } from '../../../../coordinator/training/datasets/log-mel.ts';
import { readSpeechCommands } from '../../../../coordinator/training/datasets/speech-commands.ts';
import { readWav } from '../../../../coordinator/training/datasets/wav.ts';
import { DatasetError } from '../../../../coordinator/training/training-service.ts';
import { sharedData } from '../../../support/data.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { tone, wavBytes } from '../../../support/wav.ts';

/** Two words, each with a recording per split. */
function smallFolder(t: TestContext): string {
  const recordings = ['no', 'yes'].flatMap((word, i) =>
    ['a', 'b', 'c'].map((name) => [`${word}/${name}.wav`, wavBytes(tone(500 + 500 * i, 0.3))] as const),
  );
  return temporaryFolder(t, {
    ...Object.fromEntries(recordings),
    '_background_noise_/hum.wav': 'not read',
    'validation_list.txt': 'no/b.wav\nyes/b.wav\n',
    'testing_list.txt': 'no/c.wav\r\nyes/c.wav\r\n',
  });
}

const refused = (message: RegExp) => (error: unknown) => error instanceof DatasetError && message.test(error.message);

describe('WAV', () => {
  it('gives samples and sample rate, whatever chunks come before the data', (t) => {
    const plain = wavBytes([0, 0.5, -1], { sampleRateHz: 16_000 });
    const extra = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1'); // An odd chunk is followed by a padding byte.
    const bytes = Buffer.concat([plain.subarray(0, 36), extra, plain.subarray(36)]);
    const folder = temporaryFolder(t, { 'plain.wav': plain, 'extra.wav': bytes });
    for (const name of ['plain.wav', 'extra.wav'])
      assert.deepEqual(readWav(join(folder, name)), { sampleRateHz: 16_000, samples: Float32Array.of(0, 0.5, -1) });
  });

  it('refuses what is no such file, naming it', (t) => {
    const good = wavBytes(tone(500, 0.1));
    const folder = temporaryFolder(t, {
      'text.wav': 'hello, I am a text file',
      'short.wav': good.subarray(0, good.length - 10),
      'stereo.wav': wavBytes([0, 0], { channels: 2 }),
      'empty.wav': good.subarray(0, 36),
    });
    assert.throws(() => readWav(join(folder, 'text.wav')), refused(/text\.wav is no WAV file/));
    assert.throws(() => readWav(join(folder, 'short.wav')), refused(/short\.wav is truncated.*1600 bytes, 1590/));
    assert.throws(() => readWav(join(folder, 'stereo.wav')), refused(/stereo\.wav has .* 2 channels.*convert/));
    assert.throws(() => readWav(join(folder, 'empty.wav')), refused(/empty\.wav has no audio/));
    assert.throws(() => readWav(join(folder, 'none.wav')), refused(/none\.wav does not exist/));
  });
});

describe('Speech Commands', () => {
  it('splits by the lists and leaves out background noise', (t) => {
    const dataset = readSpeechCommands(smallFolder(t));
    assert.deepEqual(dataset.classes, ['no', 'yes']);
    assert.equal(dataset.sampleRateHz, 8000);
    for (const split of ['train', 'validation', 'test'] as const) {
      assert.deepEqual([...dataset[split].labels], [0, 1]);
      assert.equal(dataset[split].spectrograms.length, 2 * FRAMES * MEL_BANDS);
    }
  });

  it('refuses a folder that is incomplete or mixed', (t) => {
    const broken = (change: (folder: string) => void) => {
      const folder = smallFolder(t);
      change(folder);
      return () => readSpeechCommands(folder);
    };
    const list = (name: string, text: string) => (folder: string) => writeFileSync(join(folder, name), text);
    assert.throws(() => readSpeechCommands('/nowhere'), refused(/\/nowhere does not exist/));
    assert.throws(() => readSpeechCommands(temporaryFolder(t)), refused(/has 0 folders of words/));
    assert.throws(
      () => readSpeechCommands(temporaryFolder(t, { 'a/x.txt': '', 'b/x.txt': '' })),
      refused(/a has no WAV/),
    );
    assert.throws(broken(list('testing_list.txt', 'no/z.wav')), refused(/testing_list\.txt names no\/z\.wav/));
    assert.throws(broken(list('testing_list.txt', 'no/b.wav')), refused(/no\/b\.wav is in both/));
    assert.throws(broken(list('testing_list.txt', '')), refused(/no recordings for the test split/));
    assert.throws(
      broken((folder) =>
        writeFileSync(join(folder, 'no/a.wav'), wavBytes(tone(500, 0.3, 16_000), { sampleRateHz: 16_000 })),
      ),
      refused(/has 8000 Hz, .*no\/a\.wav has 16000 Hz|one sample rate/),
    );
  });

  it('reads spoken digits', (t) => {
    const folder = sharedData('datasets/spoken-digits');
    if (!folder) return t.skip('the shared data are not here');
    const { train, validation, test, classes } = readSpeechCommands(folder);
    assert.deepEqual(
      [train, validation, test].map(({ labels }) => labels.length),
      [600, 80, 120],
    );
    assert.equal(classes.length, 10);
  });
});
