/** Which measurements belong together: rows of one family of networks, or of one input size, err together. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { elementsOf } from './fitted-range.ts';
import { familyOf } from './network-family.ts';

export interface Groups {
  /** Of each row: index of its family and of its size, both from 0 without gaps. */
  family: number[];
  size: number[];
  /** Kinds of kernels of each family; typical elements of the inputs of each size, ascending. */
  families: string[][];
  sizes: number[];
}

interface Grouped {
  analysis: RunnableModel;
  config: InferenceConfig;
}

/** Sizes beyond this count are put together with their neighbours. */
const MOST_SIZES = 12;
/** Inputs that differ by less (logarithm) are one size. */
const SAME_SIZE = 0.05;

export function groupsOf(rows: readonly Grouped[]): Groups {
  const byName = new Map<string, number>();
  const families: string[][] = [];
  const family = rows.map(({ analysis }) => {
    const kernels = familyOf(analysis);
    const name = kernels.join();
    const known = byName.get(name);
    if (known !== undefined) return known;
    byName.set(name, families.length);
    return families.push(kernels) - 1;
  });
  const bins = sizeBins(rows.map(({ analysis }) => elementsOf(analysis)));
  const size = rows.map(({ analysis }) => bins.findIndex((bin) => bin.includes(elementsOf(analysis))));
  return { family, size, families, sizes: bins.map((bin) => bin[Math.floor(bin.length / 2)] as number) };
}

/** The distinct sizes in ascending bins: what is nearly the same first, then the closest neighbours until they are few. */
function sizeBins(elements: readonly number[]): number[][] {
  const bins = [...new Set(elements)].sort((one, two) => one - two).map((each) => [each]);
  const gap = (index: number) => Math.log((bins[index + 1]?.[0] as number) / (bins[index]?.at(-1) as number));
  for (;;) {
    let closest = 0;
    for (let index = 1; index < bins.length - 1; index += 1) if (gap(index) < gap(closest)) closest = index;
    if (bins.length < 2 || (bins.length <= MOST_SIZES && gap(closest) > SAME_SIZE)) return bins;
    bins.splice(closest, 2, [...(bins[closest] as number[]), ...(bins[closest + 1] as number[])]);
  }
}

/** Leaving out costs a fit each: more groups than this are left out several together. */
const MOST_FOLDS = 12;

/** Of each row which fold it is left out in, by its group; how many folds there are. */
export function foldsOf(group: readonly number[]): { fold: number[]; count: number } {
  const count = Math.min(new Set(group).size, MOST_FOLDS);
  return { fold: group.map((index) => index % count), count };
}
