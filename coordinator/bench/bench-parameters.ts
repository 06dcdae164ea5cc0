/** The axes of a bench's search on a device. */
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import type { JoinedDevice } from './bench-input.ts';
import type { BenchPlan } from './bench-repository.ts';

/** Batch sizes, threads, precisions; a clock only where the agent may set it. */
export function benchParameters({ batchSizes, threads, precisions }: BenchPlan, { board }: JoinedDevice): Parameter[] {
  const cores = Array.from({ length: board.logicalCores }, (_, index) => index + 1);
  const clocks = [...board.settableClocksKHz].sort((a, b) => a - b);
  const level = 'inference' as const;
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  return [
    { name: 'batchSize', level, type: 'ordinal', values: ascending(batchSizes) },
    { name: 'threads', level, type: 'ordinal', values: ascending(threads ?? cores) },
    { name: 'precision', level, type: 'categorical', choices: [...new Set(precisions)] },
    ...(clocks.length > 0 ? [{ name: 'clockKHz', level, type: 'ordinal' as const, values: clocks }] : []),
  ];
}
