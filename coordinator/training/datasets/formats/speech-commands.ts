/**
 * A folder of WAV files per word, as in Speech Commands (Warden, 2018, https://arxiv.org/abs/1804.03209), with lists of
 * the files that are for validation and for testing; or with folders of splits; or with neither.
 */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import type { RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { needRoom } from '../decode/image-size.ts';
import { CLIP_SECONDS, FRAMES, LogMel, MEL_BANDS } from '../decode/log-mel.ts';
import { resampled } from '../decode/resample.ts';
import { decodeText } from '../decode/text.ts';
import { type AudioClip, readWav, wavRate } from '../decode/wav.ts';
import { counted, type Notices, some } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';
import { classFolders, hasClassFolders, type SampleFile } from './class-folders.ts';

export const RECORDING = /\.wave?$/i;
/** Other recordings that may have been meant. */
const OTHER_AUDIO = /\.(mp3|flac|ogg|opus|m4a|aac|aiff?|wma)$/i;
const LISTS = { validation: 'validation_list.txt', test: 'testing_list.txt' } as const;
/** Enough for the chunks before the data. */
const HEAD_BYTES = 4096;
const MOST_DAMAGED = 0.5;

const settings = z.object({
  path: pathSetting(
    'folder or ZIP archive with a folder of WAV files per word; validation_list.txt and testing_list.txt may name the files of those splits',
    '/path/to/speech_commands',
  ),
  sampleRateHz: z
    .int()
    .min(4000)
    .max(48_000)
    .optional()
    .describe('to which every recording is converted; otherwise that of most of them'),
  ...splitSettings,
});

async function read({
  settings: said,
  source,
  notices,
  limits,
}: Reading<z.output<typeof settings>>): Promise<RawData<'speech'>> {
  const { files, hasSplits } = classFolders(source, RECORDING, 'recording', notices);
  const splitOf = hasSplits
    ? ({ split }: SampleFile) => split ?? 'train'
    : await listedSplits(source, files, notices, limits);
  needRoom(files.length, FRAMES * MEL_BANDS * 4, limits);
  const sampleRateHz = said.sampleRateHz ?? (await usualRate(source, files, notices));
  const reader = new RecordingReader(source, sampleRateHz);
  const splits: Record<SplitName, Read> = { train: newRead(), validation: newRead(), test: newRead() };
  for (const file of files) {
    const spectrogram = await reader.spectrogram(file.name);
    if (!spectrogram) continue;
    const split = splits[splitOf(file)];
    split.spectrograms.push(spectrogram);
    split.labels.push(file.label);
    split.origins.push(file.name);
  }
  reader.say(notices, files.length);
  const others = source.names.filter((name) => OTHER_AUDIO.test(name));
  if (others.length > 0)
    notices.warn(
      `${counted(others.length, 'recording')} that ${others.length === 1 ? 'is' : 'are'} not WAV ${others.length === 1 ? 'is' : 'are'} left out: convert ${some(others)}`,
    );
  if (splits.train.labels.length === 0) throw new DatasetError(`${source.path} has no recordings to train on`);
  return {
    sampleRateHz,
    train: whole(splits.train),
    validation: splits.validation.labels.length > 0 ? whole(splits.validation) : null,
    test: splits.test.labels.length > 0 ? whole(splits.test) : null,
  };
}

interface Read {
  spectrograms: Float32Array[];
  labels: string[];
  origins: string[];
}
const newRead = (): Read => ({ spectrograms: [], labels: [], origins: [] });

function whole({ spectrograms, labels, origins }: Read): RawSplit<Float32Array> {
  const size = FRAMES * MEL_BANDS;
  const values = new Float32Array(spectrograms.length * size);
  for (const [at, spectrogram] of spectrograms.entries()) values.set(spectrogram, at * size);
  return { values, labels, origins };
}

/** By the lists; every file that is in none is for training. */
async function listedSplits(
  source: DataSource,
  files: readonly SampleFile[],
  notices: Notices,
  limits: { textBytes: number },
): Promise<(file: SampleFile) => SplitName> {
  const listOf = async (split: 'validation' | 'test') => {
    const name = LISTS[split];
    if (!source.has(name)) return new Set<string>();
    const text = decodeText(source.called(name), await source.read(name, 'a list of recordings'), { notices, limits });
    return new Set(
      text
        .split(/\r?\n/)
        .map((line) => line.trim().replaceAll('\\', '/').replace(/^\.\//, ''))
        .filter(Boolean),
    );
  };
  const listed = { validation: await listOf('validation'), test: await listOf('test') };
  const known = new Set(files.map(({ name }) => name));
  for (const split of ['validation', 'test'] as const) {
    const missing = [...listed[split]].find((name) => !known.has(name));
    if (missing) throw new DatasetError(`${source.called(LISTS[split])} names ${missing}, which is not there`);
  }
  const both = [...listed.test].find((name) => listed.validation.has(name));
  if (both) throw new DatasetError(`${source.path}: ${both} is in both ${LISTS.validation} and ${LISTS.test}`);
  return ({ name }) => (listed.test.has(name) ? 'test' : listed.validation.has(name) ? 'validation' : 'train');
}

/** The rate of most of the recordings; others are converted, and that is said. */
async function usualRate(source: DataSource, files: readonly SampleFile[], notices: Notices): Promise<number> {
  const counts = new Map<number, number>();
  for (const { name } of files) {
    try {
      const rate = wavRate(name, await source.head(name, HEAD_BYTES));
      counts.set(rate, (counts.get(rate) ?? 0) + 1);
    } catch (error) {
      // It is named where it is read.
      if (!(error instanceof DatasetError)) throw error;
    }
  }
  const byCount = [...counts].sort(([rateA, a], [rateB, b]) => b - a || rateA - rateB);
  const [usual] = byCount;
  if (!usual) throw new DatasetError(`${source.path}: none of its recordings can be read as WAV`);
  if (byCount.length > 1)
    notices.note(
      `the recordings have several sample rates (${byCount.map(([rate, count]) => `${count} of ${rate} Hz`).join(', ')}): all are converted to ${usual[0]} Hz`,
    );
  return usual[0];
}

class RecordingReader {
  readonly #source: DataSource;
  readonly #logMel: LogMel;
  readonly #sampleRateHz: number;
  readonly #damaged: string[] = [];
  #converted = 0;
  #cropped = 0;

  constructor(source: DataSource, sampleRateHz: number) {
    this.#source = source;
    this.#sampleRateHz = sampleRateHz;
    this.#logMel = new LogMel(sampleRateHz);
  }

  /** Null where it cannot be read. */
  async spectrogram(name: string): Promise<Float32Array | null> {
    const bytes = await this.#source.read(name, 'a WAV file');
    let clip: AudioClip;
    try {
      clip = readWav(name, bytes);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      this.#damaged.push(error.message);
      return null;
    }
    if (clip.sampleRateHz !== this.#sampleRateHz) this.#converted++;
    if (clip.samples.length > CLIP_SECONDS * clip.sampleRateHz * 1.05) this.#cropped++;
    return this.#logMel.spectrogram(resampled(clip, this.#sampleRateHz));
  }

  /** @throws {DatasetError} where most cannot be read */
  say(notices: Notices, all: number): void {
    const damaged = this.#damaged;
    if (damaged.length > MOST_DAMAGED * all)
      throw new DatasetError(
        `${this.#source.path}: ${damaged.length} of ${counted(all, 'recording')} cannot be read: ${damaged.slice(0, 3).join('; ')}`,
      );
    if (damaged.length > 0)
      notices.warn(
        `${counted(damaged.length, 'recording')} cannot be read and ${damaged.length === 1 ? 'is' : 'are'} left out: ${damaged.slice(0, 3).join('; ')}${damaged.length > 3 ? '; …' : ''}`,
      );
    if (this.#cropped > 0)
      notices.note(
        `${counted(this.#cropped, 'recording')} longer than ${CLIP_SECONDS} s: the middle ${CLIP_SECONDS} s of each is used`,
      );
    if (this.#converted > 0)
      notices.note(`${counted(this.#converted, 'recording')} converted to ${this.#sampleRateHz} Hz`);
  }
}

export const speechCommands = datasetFormat({
  name: 'speech-commands',
  description: 'a folder of WAV files per word, as in Speech Commands, with its lists of splits or without',
  holds: 'speech',
  settings,
  recognises: (source) => hasClassFolders(source, RECORDING),
  read,
});
