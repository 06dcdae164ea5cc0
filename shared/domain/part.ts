import { didYouMean } from './did-you-mean.ts';

/**
 * What can be added to EdgeTune: samplers, schedulers, workloads, data formats, runners. Each kind has a list, which is
 * passed to whoever needs to know what there is.
 */
export interface Part {
  /** As studies, requests and boards name it. */
  readonly name: string;
  /** For people who choose one, in a sentence. */
  readonly description: string;
}

/** The part of this name; undefined where there is none. */
export function partNamed<P extends Pick<Part, 'name'>>(parts: readonly P[], name: string): P | undefined {
  return parts.find((part) => part.name === name);
}

/** Says that there is no such part, and which there are. `kind` as people call it, such as "sampler". */
export function unknownPart(kind: string, name: unknown, parts: readonly Pick<Part, 'name'>[]): string {
  const names = parts.map((part) => part.name);
  return `unknown ${kind} "${name}": use one of ${names.join(', ')}${didYouMean(name, names)}`;
}

/** The parts with their descriptions under a title, for `--help`. */
export function partsText(title: string, parts: readonly Part[]): string {
  const width = Math.max(...parts.map(({ name }) => name.length));
  return [`${title}:`, ...parts.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)].join('\n');
}
