/** What a program tells of a trial, checked against the specification: what is misspelt must not pass for what is missing. */
import { nearestName } from '@edgetune/shared/domain/did-you-mean.ts';
import { everyObjectHas } from '@edgetune/shared/domain/named-values.ts';
import { computedOnly, METRICS, metricInfo } from '@edgetune/shared/domain/objective.ts';
import { neededMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import type { Told, TunerSpec } from '@edgetune/shared/protocol/tuner-lines.ts';

/** Metrics of its own that a program may tell of a trial beside those that the specification names. */
const MOST_EXTRA = 64;
const OWN_NAME = /^[A-Za-z][\w.-]{0,63}$/;

/** @throws {RangeError} naming the first mistake and what may be meant */
export function checkMetrics(metrics: Told['metrics'], spec: TunerSpec): void {
  const named = new Set([...spec.objectives, ...spec.constraints, ...spec.stop.target].map(({ metric }) => metric));
  let extra = 0;
  for (const name of Object.keys(metrics)) {
    const [metric, device] = name.split('@') as [string, string | undefined];
    const info = metricInfo(metric);
    if (info.ratio) throw new RangeError(computedOnly(metric));
    if (info.of === 'trial' && device !== undefined)
      throw new RangeError(`${metric} belongs to the trial: leave out "@${device}"`);
    if (info.of === 'device') checkDevice(name, metric, device, spec);
    if (info.isOwn && !named.has(metric)) {
      if (!OWN_NAME.test(metric) || everyObjectHas(metric))
        throw new RangeError(
          `unknown metric ${JSON.stringify(metric)}: a metric of your own is a letter followed by letters, digits, "_", "." or "-"`,
        );
      checkSpelling(metric, metrics, named);
      if (++extra > MOST_EXTRA)
        throw new RangeError(`more than ${MOST_EXTRA} metrics that the specification does not name are too many`);
    }
  }
}

function checkDevice(name: string, metric: string, device: string | undefined, { devices }: TunerSpec) {
  if (device !== undefined && devices.includes(device)) return;
  const meant = device === undefined ? null : nearestName(device, devices);
  throw new RangeError(
    `${name} is a device's metric: write ${metric}@NAME with a device of the specification (${devices.join(', ') || 'there is none'})${meant === null ? '' : `; did you mean "${metric}@${meant}"?`}`,
  );
}

/** A program's own metric is kept, unless it is nearly the name of one that is not told. */
function checkSpelling(metric: string, metrics: Told['metrics'], named: ReadonlySet<string>) {
  const told = new Set(Object.keys(metrics).map((name) => name.split('@')[0]));
  const missing = [...new Set([...named, ...Object.keys(METRICS), 'latency'])].filter((name) => !told.has(name));
  const meant = nearestName(metric, missing);
  if (meant !== null)
    throw new RangeError(
      `unknown metric "${metric}": use one of ${[...new Set([...named, ...Object.keys(METRICS)])].join(', ')}; did you mean "${meant}"? A metric of your own is kept under a name that is not as near to one of these`,
    );
}

/** @throws {RangeError} where an objective has no value, and no device is named that has not answered yet */
export function checkComplete({ metrics, pending = [], failed }: Told, { objectives, devices }: TunerSpec): void {
  for (const device of pending)
    if (!devices.includes(device))
      throw new RangeError(
        `"pending": "${device}" is not a device of the specification (${devices.join(', ') || 'there is none'})`,
      );
  if (failed !== undefined) return;
  const missing = neededMetrics(objectives, devices).filter((name) => {
    const device = name.split('@')[1];
    return !Object.hasOwn(metrics, name) && (device === undefined || !pending.includes(device));
  });
  if (missing.length === 0) return;
  const late = missing.flatMap((name) => name.split('@')[1] ?? []);
  throw new RangeError(
    `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing, which the objectives need: tell ${missing.length > 1 ? 'them' : 'it'}, or "failed" with the reason where the trial crashed${late.length > 0 ? `, or "pending": ${JSON.stringify([...new Set(late)])} where a device has not answered yet` : ''}`,
  );
}
