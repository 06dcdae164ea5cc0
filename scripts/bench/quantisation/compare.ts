/** Files of one model against one another: how long a run takes by turns, and how far answers are from the float model's. */
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import type { Feeds } from '../../../coordinator/export/run-onnx.ts';

const MEASURED_MS = 4000;
const LEAST_ROUNDS = 25;

export interface Timed {
  medianMs: number;
  /** Time of a run by that of the first file's beside it: the median, and half the width of the middle half of the ratios. */
  ratio: number;
  noise: number;
}

/** One thread; the files run by turns, so that what disturbs the machine disturbs all. @returns null: it does not load */
export async function timeByTurns(files: readonly Uint8Array[], feeds: Feeds): Promise<(Timed | null)[]> {
  const sessions = await Promise.all(files.map((file) => sessionOf(file)));
  const rounds: number[][] = [];
  const endMs = performance.now() + MEASURED_MS;
  while (performance.now() < endMs || rounds.length < LEAST_ROUNDS) {
    const times = files.map(() => Number.NaN);
    // Forwards and backwards: nobody always runs behind the same one.
    const order = [...sessions.entries()];
    for (const [i, session] of rounds.length % 2 === 0 ? order : order.reverse()) {
      const startMs = performance.now();
      await session?.run(feeds);
      times[i] = performance.now() - startMs;
    }
    rounds.push(times);
  }
  await Promise.all(sessions.map((session) => session?.release()));
  return sessions.map((session, i) => {
    if (!session) return null;
    const ratios = rounds.map((times) => (times[i] as number) / (times[0] as number));
    return {
      medianMs: quantile(
        rounds.map((times) => times[i] as number),
        0.5,
      ),
      ratio: quantile(ratios, 0.5),
      noise: (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2,
    };
  });
}

/** Signal-to-noise ratio in decibels of each file's answers; the smallest of the outputs. Null: it does not load. */
export async function signalToNoise(
  float: Uint8Array,
  files: readonly Uint8Array[],
  batches: readonly Feeds[],
): Promise<(number | null)[]> {
  const expected = await answersOf(float, batches);
  return Promise.all(
    files.map(async (file) => {
      const actual = await answersOf(file, batches);
      if (!expected || !actual) return null;
      const names = Object.keys(expected[0] ?? {}).filter((name) => expected[0]?.[name]?.type === 'float32');
      return Math.min(...names.map((name) => decibels(expected, actual, name)));
    }),
  );
}

type Answers = Record<string, Tensor>[];

function decibels(expected: Answers, actual: Answers, name: string): number {
  let [signal, noise] = [0, 0];
  for (const [batch, answer] of expected.entries()) {
    const values = actual[batch]?.[name]?.data as Float32Array;
    for (const [at, value] of ((answer[name] as Tensor).data as Float32Array).entries()) {
      signal += value ** 2;
      noise += (value - (values[at] as number)) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

async function answersOf(file: Uint8Array, batches: readonly Feeds[]): Promise<Answers | null> {
  const session = await sessionOf(file);
  if (!session) return null;
  const answers: Answers = [];
  for (const feeds of batches) answers.push((await session.run(feeds)) as Record<string, Tensor>);
  await session.release();
  return answers;
}

async function sessionOf(file: Uint8Array): Promise<InferenceSession | null> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const;
  return InferenceSession.create(file, options).catch((error: Error) => {
    console.error(`  does not load: ${error.message.split('\n')[0]}`);
    return null;
  });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] as number;
}
