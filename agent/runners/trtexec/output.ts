/** What trtexec prints and writes. */
import { z } from 'zod';

/**
 * Version from the first line that it prints (TensorRT's samples/common/logging.h), such as
 * `&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec --help`. The number is NV_TENSORRT_VERSION: major × 1000 up to 8,
 * major × 10000 from 10 on, then minor × 100 and patch.
 */
export function versionOf(output: string): string | null {
  const digits = /\[TensorRT v(\d+)\]/.exec(output)?.[1];
  if (!digits) return null;
  const number = Number(digits);
  const majorUnit = number >= 100_000 ? 10_000 : 1000;
  return [Math.floor(number / majorUnit), Math.floor((number % majorUnit) / 100), number % 100].join('.');
}

/** One query of `--exportTimes` (exportJSONTrace in samples/common/sampleReporting.cpp), in milliseconds since the start of inference. */
const querySchema = z.object({
  startH2dMs: z.number(),
  startComputeMs: z.number(),
  endD2hMs: z.number(),
  /** Copy to the device + computation + copy back, without waiting for the query before. */
  latencyMs: z.number().positive(),
});

export interface Times {
  latenciesMs: number[];
  /** First and last moment of the measured queries, since the start of inference. */
  startMs: number;
  endMs: number;
}

/**
 * Queries after the warm-up. Up to TensorRT 8.4 those of the warm-up are in the file too: they start their computation before
 * its end, which is how trtexec itself tells them (printPerformanceReport).
 * @throws {Error} where the text is another
 */
export function parseTimes(text: string, warmUpMs: number): Times {
  const queries = z
    .array(querySchema)
    .parse(JSON.parse(text))
    .filter(({ startComputeMs }) => startComputeMs >= warmUpMs);
  const [first, last] = [queries[0], queries.at(-1)];
  if (!first || !last) throw new Error('trtexec measured no query after its warm-up');
  return {
    latenciesMs: queries.map(({ latencyMs }) => latencyMs),
    startMs: first.startH2dMs,
    endMs: last.endD2hMs,
  };
}

const MIB = 2 ** 20;

/**
 * Memory that TensorRT manages for engine and execution context, on the CPU and the GPU together (one memory on a Jetson):
 * `[MemUsageChange] TensorRT-managed allocation in IExecutionContext creation: CPU +0, GPU +80, now: CPU 0, GPU 266 (MiB)`.
 * @returns null for versions that do not say it
 */
export function managedMemoryBytes(output: string): number | null {
  const said = [...output.matchAll(/TensorRT-managed allocation in .*now: CPU (\d+), GPU (\d+) \(MiB\)/g)].at(-1);
  return said ? (Number(said[1]) + Number(said[2])) * MIB : null;
}

/** The line before the first query (samples/trtexec/trtexec.cpp). */
export const STARTS_INFERENCE = /Starting inference/;

/** The first complaint, without time and severity: `[07/14/2023-11:55:14] [E] [TRT] …`. */
export function errorOf(output: string): string | null {
  return /^\[[^\]]*\] \[E\] (?:\[TRT\] )?(.*)$/m.exec(output)?.[1] ?? null;
}
