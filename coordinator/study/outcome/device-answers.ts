/** What the study's devices say of a finished model, measured with its trained weights, or why one says nothing. */
import { isPresent } from '@edgetune/shared/domain/device.ts';
import type { RecommendedDevice, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { isSameBoard } from '@edgetune/shared/domain/study-device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import { inferenceRequest } from '../context/inference-request.ts';
import type { StudyContext } from '../context/study-context.ts';
import { DeviceTroubleError } from '../devices/device-trouble-error.ts';
import { troubleOf } from '../devices/trouble-of.ts';
import { bytesIn } from '../state/trial-metrics.ts';
import { hasMeasured } from '../state/unmeasured.ts';
import { choosePrecision } from './choose-precision.ts';
import type { FinishedModel } from './finished-model.ts';

type Missing = RecommendedModel['missing'][number];

/** No config of the model can be run on a device. */
class NotMeasuredError extends Error {
  override name = 'NotMeasuredError';
}

export type DeviceAnswer = RecommendedDevice | Missing;

/**
 * What each device says of the model.
 * @param known what devices have said before: it holds where it is their own still
 */
export function answersOf(
  context: StudyContext,
  finished: FinishedModel,
  known: readonly RecommendedDevice[],
): Promise<DeviceAnswer[]> {
  const { spec, standing } = context;
  return Promise.all(
    spec.devices.map(async (device): Promise<DeviceAnswer> => {
      const by = standing(device);
      if (by.standing === 'left-out') return { device, reason: by.reason ?? `${device} was left out` };
      const before = known.find((answer) => answer.device === device && hasMeasured({ devices: [answer] }, by));
      return before ?? (await confirmed(context, device, finished));
    }),
  );
}

/** Whether a person has left out a device, or put another one in its place, since they stood so. */
export function areDecidedAnew({ standing }: StudyContext, before: readonly StudyDevice[]): boolean {
  return before.some((then) => {
    const now = standing(then.device);
    return !isSameBoard(now, then) || (now.standing === 'left-out' && then.standing !== 'left-out');
  });
}

/** What one device says: nobody else waits for a device in trouble. */
async function confirmed(context: StudyContext, device: string, finished: FinishedModel): Promise<DeviceAnswer> {
  const { deviceTroubles, standing, signal } = context;
  const ask = (until: AbortSignal) => troubleOf(device, () => confirm(context, device, finished, until));
  const whyNot = () => standing(device).reason ?? `${device} was left out`;
  for (;;) {
    const asked = standing(device);
    const isStillIt = () => isSameBoard(standing(device), asked);
    const isExpected = deviceTroubles.isExpected(device);
    const isThere = () => standing(device).standing === 'marked' && isPresent(context.device(device));
    if (!isExpected && !isThere()) return { device, reason: whyNot() };
    // One that nothing waits for is tried once, as long as it is there.
    const isWanted = () => isStillIt() && (deviceTroubles.isExpected(device) || (!isExpected && isThere()));
    const [over, unwanted] = [new AbortController(), new AbortController()];
    const watch = async () => {
      const watching = AbortSignal.any([signal, over.signal]);
      while (isWanted()) await deviceTroubles.changes.next(watching);
      unwanted.abort(new DeviceTroubleError(whyNot()));
    };
    watch().catch(() => {});
    const until = AbortSignal.any([signal, unwanted.signal]);
    try {
      if (isExpected) return await deviceTroubles.attempt(device, () => ask(until), until);
      return await deviceTroubles.tryOnce(device, () => ask(until));
    } catch (error) {
      signal.throwIfAborted();
      const isItsTrouble = error instanceof DeviceTroubleError || unwanted.signal.aborted;
      if (isStillIt() && !isItsTrouble && !(error instanceof NotMeasuredError)) throw error;
      if (isStillIt()) return { device, reason: (error as Error).message };
    } finally {
      over.abort();
    }
  }
}

/** Measures a trained model on a device anew: what is recommended for a device is measured on that device. */
async function confirm(
  context: StudyContext,
  deviceName: string,
  { model: { trialId }, files, qualities }: FinishedModel,
  signal: AbortSignal,
): Promise<RecommendedDevice> {
  const { spec, emit, inference } = context;
  const device = context.deviceNow(deviceName);
  const result = await inference.tune(
    inferenceRequest(context, files, device, null),
    (measurement, source) => emit({ type: 'measured', trialId, measurement, source }),
    signal,
  );
  const measurements = result.all.map(({ measurement }) => measurement);
  const choice = choosePrecision(spec, deviceName, measurements, qualities, (precision) => bytesIn(files, precision));
  if (!choice && result.unfit !== undefined)
    throw new DeviceTroubleError(`${deviceName} gives no valid measurement: ${result.unfit}`);
  if (!choice)
    throw new NotMeasuredError(
      `trial ${trialId} could not be measured on ${deviceName}: ${result.reason ?? 'no reason given'}`,
    );
  const others = new Map([...choice.rivals, ...result.front].map((measurement) => [measurement.id, measurement]));
  others.delete(choice.measurement.id);
  return {
    device: deviceName,
    config: choice.measurement.config,
    measurement: choice.measurement,
    feasible: choice.violation === 0,
    alternatives: [...others.values()],
    precisionReason: choice.why,
  };
}
