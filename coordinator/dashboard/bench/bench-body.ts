/** The request of a bench: what its form shows, and nothing that it has shown for another model or fleet. */
import type { BenchModel, BenchRequestBody } from '@edgetune/shared/protocol/bench.ts';
import { valueAt } from '../components/draft.ts';
import { entriesOf } from '../components/list-entries.ts';

/** @param devices names of those that are offered */
export function benchBody(
  fields: Readonly<Record<string, unknown>>,
  { name: modelName, ...model }: BenchModel & { name: string },
  devices: readonly string[],
): BenchRequestBody {
  const { batchSizes, precisions, dimensions: _, shapes: __, ...rest } = fields;
  const shapes = model.unnamedInputs.map((name) => [name, valueAt(fields, ['shapes', name])] as const);
  const sizes = model.openDimensions.map((name) => [name, valueAt(fields, ['dimensions', name])]);
  return {
    ...rest,
    devices: chosenDevices(fields, devices),
    dimensions: Object.fromEntries(sizes.filter(([, size]) => size !== undefined)),
    ...(shapes.length > 0 ? { shapes: Object.fromEntries(shapes.flatMap(shapeEntry)) } : {}),
    ...(batchSizes !== undefined && model.fixedBatch === null ? { batchSizes } : {}),
    ...(precisions !== undefined && model.precision !== 'int8' ? { precisions } : {}),
    modelName,
    modelSha256: model.modelSha256,
  } as BenchRequestBody;
}

/** Those that are chosen and still there. */
export function chosenDevices(fields: Readonly<Record<string, unknown>>, devices: readonly string[]): string[] {
  const chosen = entriesOf(fields.devices);
  return devices.filter((name) => chosen.includes(name));
}

/** A shape as it is written, with commas; what is no number stays as it is, and is refused by the schema where it is not "batch". */
function shapeEntry([name, text]: readonly [string, unknown]): [string, (number | string)[]][] {
  if (text === undefined) return [];
  const sizes = String(text)
    .split(/[\s,]+/)
    .filter((size) => size !== '');
  return [[name, sizes.map((size) => (/^\d+$/.test(size) ? Number(size) : size))]];
}
