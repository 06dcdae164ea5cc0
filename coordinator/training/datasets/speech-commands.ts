/**
 * Speech Commands' layout (Warden, 2018, https://arxiv.org/abs/1804.03209): a folder of WAV files per word, and lists of
 * the files that are for validation and for testing; all others are for training.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DatasetError } from '../training-service.ts';
import type { SplitName } from '../workloads/workload.ts';
import { datasetFormat } from './dataset-format.ts';
import { FRAMES, LogMel, MEL_BANDS } from './log-mel.ts';
import { readDatasetFile } from './read-file.ts';
import { readWav } from './wav.ts';

export interface SpeechSplit {
  /** Log-mel spectrograms, one after the other: see `LogMel`. */
  spectrograms: Float32Array;
  labels: Uint8Array;
}

export interface SpeechDataset extends Record<SplitName, SpeechSplit> {
  sampleRateHz: number;
  classes: string[];
  /** Over all values of the training spectrograms. */
  mean: number;
  std: number;
}

const LISTS = { validation: 'validation_list.txt', test: 'testing_list.txt' } as const;
/** Labels are bytes. */
const MOST_CLASSES = 256;

/** @throws {DatasetError} */
export function readSpeechCommands(folder: string): SpeechDataset {
  const classes = wordsOf(folder);
  const recordings = classes.flatMap((word) => recordingsOf(folder, word));
  const listed = { validation: readList(folder, 'validation'), test: readList(folder, 'test') };
  const known = new Set(recordings);
  for (const split of ['validation', 'test'] as const) {
    const missing = [...listed[split]].find((name) => !known.has(name));
    if (missing) throw new DatasetError(`${join(folder, LISTS[split])} names ${missing}, which is not there`);
  }
  const both = [...listed.test].find((name) => listed.validation.has(name));
  if (both) throw new DatasetError(`${folder}: ${both} is in both ${LISTS.validation} and ${LISTS.test}`);

  const reader = new RecordingReader(folder, classes);
  const splitOf = (name: string): SplitName =>
    listed.test.has(name) ? 'test' : listed.validation.has(name) ? 'validation' : 'train';
  const read = (split: SplitName) => {
    const names = recordings.filter((name) => splitOf(name) === split);
    if (names.length === 0) throw new DatasetError(`${folder} has no recordings for the ${split} split`);
    return reader.read(names);
  };
  const [train, validation, test] = [read('train'), read('validation'), read('test')];
  return { sampleRateHz: reader.sampleRateHz, classes, train, validation, test, ...momentsOf(train.spectrograms) };
}

/** Folders by name; those that start with "_" hold background noise, no word. */
function wordsOf(folder: string): string[] {
  if (!existsSync(folder)) throw new DatasetError(`${folder} does not exist: expected a folder of WAV files per word`);
  const words = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^[._]/.test(entry.name))
    .map(({ name }) => name)
    .sort();
  if (words.length < 2 || words.length > MOST_CLASSES)
    throw new DatasetError(`${folder} has ${words.length} folders of words: expected 2 to ${MOST_CLASSES}`);
  return words;
}

function recordingsOf(folder: string, word: string): string[] {
  const files = readdirSync(join(folder, word))
    .filter((name) => name.endsWith('.wav'))
    .sort();
  if (files.length === 0) throw new DatasetError(`${join(folder, word)} has no WAV files`);
  return files.map((name) => `${word}/${name}`);
}

function readList(folder: string, split: 'validation' | 'test'): Set<string> {
  const bytes = readDatasetFile(join(folder, LISTS[split]), `the list of the ${split} recordings`);
  const lines = Buffer.from(bytes).toString('utf8').split(/\r?\n/);
  return new Set(lines.map((line) => line.trim()).filter(Boolean));
}

class RecordingReader {
  readonly #folder: string;
  readonly #classes: readonly string[];
  #rate: { sampleRateHz: number; logMel: LogMel; path: string } | null = null;

  constructor(folder: string, classes: readonly string[]) {
    this.#folder = folder;
    this.#classes = classes;
  }

  get sampleRateHz(): number {
    return this.#rate?.sampleRateHz ?? 0;
  }

  read(names: readonly string[]): SpeechSplit {
    const size = FRAMES * MEL_BANDS;
    const spectrograms = new Float32Array(names.length * size);
    const labels = new Uint8Array(names.length);
    for (const [at, name] of names.entries()) {
      spectrograms.set(this.#spectrogram(join(this.#folder, name)), at * size);
      labels[at] = this.#classes.indexOf(name.slice(0, name.indexOf('/')));
    }
    return { spectrograms, labels };
  }

  #spectrogram(path: string): Float32Array {
    const clip = readWav(path);
    this.#rate ??= { sampleRateHz: clip.sampleRateHz, logMel: new LogMel(clip.sampleRateHz), path };
    if (clip.sampleRateHz !== this.#rate.sampleRateHz)
      throw new DatasetError(
        `${path} has ${clip.sampleRateHz} Hz, ${this.#rate.path} has ${this.#rate.sampleRateHz} Hz: convert all to one sample rate`,
      );
    return this.#rate.logMel.spectrogram(clip);
  }
}

function momentsOf(values: Float32Array): { mean: number; std: number } {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, std: Math.sqrt(Math.max(1e-6, squares / values.length - mean * mean)) };
}

export const speechCommands = datasetFormat({
  name: 'speech-commands',
  description: "Speech Commands' layout: a folder of WAV files per word",
  holds: 'speech',
  settings: z.object({
    path: z
      .string()
      .min(1)
      .meta({
        description: 'folder with a folder per word, validation_list.txt and testing_list.txt',
        examples: ['/path/to/speech_commands'],
      }),
  }),
  read: ({ path }) => readSpeechCommands(path),
});
