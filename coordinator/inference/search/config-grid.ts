/** The inference configs that a device can be asked for: the study's inference parameters, less what it cannot do. */
import { type DeviceView, isUsable } from '@edgetune/shared/domain/device.ts';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { Parameter, ParameterValue } from '@edgetune/shared/domain/search-space.ts';

/** One axis per parameter that the search moves along, its values in order. */
export interface ConfigAxis {
  name: keyof InferenceConfig;
  values: ParameterValue[];
}

/** What a parameter is where the study does not name it. */
const DEFAULTS: InferenceConfig = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });

/** The search forecasts every config that is left before each measurement. */
const MOST_CONFIGS = 5000;

/**
 * The axes of the grid on this device.
 * @throws {RangeError} naming the parameter of which the device can do no value, or that there are too many
 */
export function configAxes(parameters: readonly Parameter[], device: DeviceView): ConfigAxis[] {
  const axes = axesOf(parameters, device);
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_CONFIGS) {
    const longest = axes.reduce((a, b) => (b.values.length > a.values.length ? b : a));
    throw new RangeError(
      `${count} inference configs on ${device.name} are more than ${MOST_CONFIGS}: name fewer values of ${longest.name} (${longest.values.length} now), or give it a step or a log scale`,
    );
  }
  return axes;
}

function axesOf(parameters: readonly Parameter[], device: DeviceView): ConfigAxis[] {
  return (Object.keys(DEFAULTS) as (keyof InferenceConfig)[]).flatMap((name): ConfigAxis[] => {
    const parameter = parameters.find((entry) => entry.name === name);
    if (!parameter) return [];
    const values = valuesOf(parameter);
    const possible = values.filter((value) => canDo(device, name, value));
    if (possible.length === 0)
      throw new RangeError(`${device.name} can do none of the values of ${name}: ${values.join(', ')}`);
    return [{ name, values: possible }];
  });
}

/** The config at these positions on the axes. */
export function configAt(axes: readonly ConfigAxis[], positions: readonly number[]): InferenceConfig {
  const chosen = axes.map(({ name, values }, axis) => [name, values[positions[axis] as number]]);
  return inferenceConfigSchema.parse({ ...DEFAULTS, ...Object.fromEntries(chosen) });
}

/** How many configs there are on this device. @throws {RangeError} as `configAxes` does */
export function countConfigs(parameters: readonly Parameter[], device: DeviceView): number {
  return configAxes(parameters, device).reduce((product, { values }) => product * values.length, 1);
}

/** Every position on the axes, the last axis varying fastest. */
export function allPositions(axes: readonly ConfigAxis[]): number[][] {
  return axes.reduce<number[][]>(
    (heads, { values }) => heads.flatMap((head) => values.map((_, position) => [...head, position])),
    [[]],
  );
}

function valuesOf(parameter: Parameter): ParameterValue[] {
  switch (parameter.type) {
    case 'ordinal':
      return parameter.values;
    case 'categorical':
      return parameter.choices;
    case 'constant':
      return [parameter.value];
    case 'boolean':
      return [false, true];
    default:
      return steps(parameter.min, parameter.max, parameter.scale, parameter.step);
  }
}

/** Integer parameters as a grid: by their step, or on a log scale by doubling. */
function steps(min: number, max: number, scale: 'linear' | 'log', step = 1): number[] {
  const values: number[] = [];
  for (let value = min; value <= max; value = scale === 'log' ? value * 2 : value + step) values.push(value);
  if (values.at(-1) !== max) values.push(max);
  return values;
}

function canDo({ board }: DeviceView, name: keyof InferenceConfig, value: ParameterValue): boolean {
  if (!board) return true;
  switch (name) {
    case 'threads':
      return Number(value) <= board.logicalCores;
    case 'clockKHz':
      return board.settableClocksKHz.includes(Number(value));
    case 'runner':
      return board.runtimes.some((runtime) => runtime.runner === value && isUsable(runtime));
    case 'executionProvider':
      return board.runtimes.some(({ executionProviders }) => executionProviders.some((provider) => provider === value));
    case 'precision':
      return board.runtimes.some(({ precisions }) => precisions.some((precision) => precision === value));
    default:
      return true;
  }
}
