/** What a study may name, for `--help`. */
import type { Part } from '@edgetune/shared/domain/part.ts';
import type { Parts } from '../../parts.ts';

/** Samplers and schedulers. */
export function tunerPartsText({ samplers, schedulers }: Pick<Parts, 'samplers' | 'schedulers'>): string {
  return [listed('Samplers', samplers), listed('Schedulers', schedulers)].join('\n\n');
}

function listed(title: string, parts: readonly Part[]): string {
  const width = Math.max(...parts.map(({ name }) => name.length));
  return [`${title}:`, ...parts.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)].join('\n');
}
