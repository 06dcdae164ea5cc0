/**
 * What the predictor learns from: what a device class has shown with other architectures, and what boards of the same model
 * have shown in other classes, such as another power mode. The latter is never reused for a measurement and alone refuses nothing:
 * it is marked with its class, of which the predictor learns by what it differs.
 */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import type { InferenceRequest, MeasurementHistory } from './inference-server.ts';
import { architectureOf as architectureHere } from './inspector/inspect-model.ts';
import type { ModelInspector } from './inspector/model-inspector.ts';
import { historyFor } from './known-measurements.ts';
import { filesOf } from './model-variants.ts';
import type { Example } from './predictor/predictor.ts';
import { sizesIn } from './sized-signature.ts';

/** Learning is cubic in the examples: the latest are kept, of each architecture the latest few. */
const LATEST = 600;
const MOST_EXAMPLES = 120;
const MOST_PER_ARCHITECTURE = 8;
/** Of the board's other classes together. */
const MOST_OTHER_EXAMPLES = 40;
const MOST_OTHER_CLASSES = 4;

type Model = Pick<InferenceRequest, 'signature' | 'modelSha256' | 'dimensions'>;

export interface Experience {
  /** Null where the models are not at hand, or this one cannot be analysed (a real board may still run it). */
  architectureOf(model: Model): Promise<readonly number[] | null>;
  /** By metric, of other architectures on the same class of device under the same scenario. */
  examples(request: InferenceRequest): Promise<(metric: string) => readonly Example[]>;
}

/**
 * A name for architectures that may not count as different evidence: the variants of one model in several precisions
 * have the same multiply-accumulates.
 */
export function architectureGroup([macs]: readonly number[]): string {
  return `${macs}`;
}

export function createExperience({
  blobs,
  history,
  inspector = { architectureOf: async (model, dimensions) => architectureHere(model, dimensions) },
}: {
  blobs?: { get(sha256: string): Promise<Uint8Array> };
  /** Absent: models are analysed in this thread. */
  inspector?: Pick<ModelInspector, 'architectureOf'>;
  history: MeasurementHistory;
}): Experience {
  const architectures = new Map<string, Promise<readonly number[] | null>>();

  function architectureOf(model: Model): Promise<readonly number[] | null> {
    const known = architectures.get(model.signature) ?? analyse(model);
    architectures.set(model.signature, known);
    return known;
  }

  async function analyse({ signature, modelSha256, dimensions = {} }: Model): Promise<readonly number[] | null> {
    const bytes = await blobs?.get(modelSha256).catch(() => null);
    if (!bytes) {
      // A blob of an old study may have been cleaned up; it is looked for again, as it may come back.
      architectures.delete(signature);
      return null;
    }
    try {
      return await inspector.architectureOf(bytes, dimensions);
    } catch (error) {
      if (error instanceof OnnxError) return null;
      throw error;
    }
  }

  async function examples(request: InferenceRequest) {
    const { device, scenario } = request;
    const own = new Set(filesOf(request).map(({ signature }) => signature));
    const found: { measurement: StoredMeasurement; architecture: readonly number[]; otherClass?: string }[] = [];
    const counts = new Map<string, number>();
    const query = { deviceClass: device.deviceClass ?? '', scenarioKey: scenarioKey(scenario), limit: LATEST };
    for (const measurement of historyFor(request, history).recent?.(query) ?? []) {
      const count = counts.get(measurement.signature) ?? 0;
      if (own.has(measurement.signature) || measurement.outcome !== 'ok') continue;
      if (count >= MOST_PER_ARCHITECTURE || found.length >= MOST_EXAMPLES) continue;
      const architecture = await architectureOf({ ...measurement, dimensions: sizesIn(measurement.signature) });
      if (!architecture) continue;
      counts.set(measurement.signature, count + 1);
      found.push({ measurement, architecture });
    }
    const most = found.length + MOST_OTHER_EXAMPLES;
    for (const otherClass of otherClasses(history, request)) {
      const others = history.recent?.({ ...query, deviceClass: otherClass, limit: MOST_OTHER_EXAMPLES }) ?? [];
      for (const measurement of others) {
        if (measurement.outcome !== 'ok' || found.length >= most) continue;
        const architecture = await architectureOf({ ...measurement, dimensions: sizesIn(measurement.signature) });
        if (architecture) found.push({ measurement, architecture, otherClass });
      }
    }
    return (metric: string): Example[] =>
      found.flatMap(({ measurement, architecture, otherClass }) => {
        const value = metricsOf(measurement)[metric];
        if (value === undefined || value <= 0) return [];
        const example = { group: architectureGroup(architecture), architecture, config: measurement.config, value };
        return [otherClass === undefined ? example : { ...example, otherClass }];
      });
  }

  return { architectureOf, examples };
}

/** Of boards of this model, those that are not the device's own; a simulated board is one thing in each mode. */
function otherClasses({ classes }: MeasurementHistory, { device }: InferenceRequest): string[] {
  const { board, deviceClass } = device;
  if (!classes || !board || board.simulated || deviceClass === null) return [];
  const [model = ''] = deviceClass.split(' | ');
  return classes(`${model} | `)
    .filter((each) => each !== deviceClass)
    .slice(-MOST_OTHER_CLASSES);
}
