import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import { quantity } from '../components/format.ts';

/** A config in a line, what is usual left out. */
export function configText({ batchSize, threads, clockKHz, precision, executionProvider }: InferenceConfig): string {
  return [
    `batch ${batchSize}`,
    `${threads} threads`,
    ...(clockKHz === null ? [] : [quantity(clockKHz, 'clock')]),
    precision,
    executionProvider,
  ].join(', ');
}
