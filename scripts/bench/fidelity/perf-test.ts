/** ONNX Runtime's own onnxruntime_perf_test, where there is one. It is part of no package: it comes from building ONNX Runtime. */
import { spawnSync } from 'node:child_process';
import type { Host } from '../../../agent/board/host.ts';
import { pinTo } from '../../../agent/measure/process/pinning.ts';
import { keepOnnxRuntimeSilent } from '../../../shared/runtime/no-telemetry.ts';
import type { FidelityCase } from './cases.ts';

export function perfTest(
  host: Host,
  seconds: number,
): ((of: FidelityCase) => { medianMs: number; peakMemoryBytes: null }) | null {
  keepOnnxRuntimeSilent();
  if (spawnSync('onnxruntime_perf_test', ['-h']).error) return null;
  return ({ path, threads, dimensions }) => {
    const sizes = Object.entries(dimensions).flatMap(([name, size]) => ['-f', `${name}:${size}`]);
    const words = [...(pinTo(host, threads)?.launcher ?? []), 'onnxruntime_perf_test'];
    // -I: random inputs; -m duration -t: how long; -x, -y: threads inside and between operators.
    const limits = [
      '-I',
      '-e',
      'cpu',
      '-m',
      'duration',
      '-t',
      String(Math.ceil(seconds)),
      '-x',
      String(threads),
      '-y',
      '1',
    ];
    const command = [...words, ...limits, ...sizes, path];
    const { stdout } = spawnSync(command[0] as string, command.slice(1), { encoding: 'utf8' });
    return { medianMs: medianOf(stdout), peakMemoryBytes: null };
  };
}

/** From its report (onnxruntime/test/perftest/performance_result.cc): `P50 Latency: 0.00123 s`. */
export function medianOf(printed: string): number {
  const seconds = /^P50 Latency:?\s*([\d.e-]+)\s*s/m.exec(printed)?.[1];
  if (!seconds) throw new Error('onnxruntime_perf_test printed no P50 latency');
  return Number(seconds) * 1000;
}
