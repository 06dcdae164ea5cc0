/** Metrics, quantities and dates as the pages write them. */
import { metricInfo } from '@edgetune/shared/domain/objective.ts';
import { type Dimension, formatQuantity } from '@edgetune/shared/domain/units.ts';

/** A quantity in its base unit, or a dash where there is none. */
export function quantity(value: number | null | undefined, dimension: Dimension): string {
  return value === null || value === undefined ? '–' : formatQuantity(value, dimension);
}

/** A metric's value; `name` may carry a device, as in `latency.p99@kitchen-pi`. */
export function metricValue(name: string, value: number | null | undefined): string {
  return quantity(value, metricInfo(name.split('@')[0] as string).dimension);
}

export function dateTime(iso: string | null): string {
  return iso === null ? '–' : new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

export function parameterText(value: number | string | boolean): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(3) : String(value);
}

/** "1 trial", "2 trials". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
