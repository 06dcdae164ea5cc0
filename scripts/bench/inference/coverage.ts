/** How often the learned predictor's 95 % intervals hold what an unseen architecture then shows: the gate trusts them. */
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { architectureCoordinates } from '../../../coordinator/inference/predictor/coordinates.ts';
import { type Example, learn, quantile95 } from '../../../coordinator/inference/predictor/predictor.ts';
import type { BenchRow } from '../support.ts';
import type { Model } from './board-under-test.ts';

/** As many of an architecture's measurements as the inference server learns from. */
const PER_ARCHITECTURE = 6;
const METRICS = ['latency.p99', 'energy'];

/** @param measured every config of each model. The first architectures teach, all others test. */
export function coverageRows(
  board: string,
  cores: number,
  models: readonly Model[],
  measured: readonly (readonly Measurement[])[],
): BenchRow[] {
  const examplesOf = (metric: string, index: number): Example[] => {
    const model = models[index] as Model;
    const architecture = architectureCoordinates(analyseModel(model.bytes, { batchSize: 1 }));
    return (measured[index] ?? []).flatMap((measurement) => {
      const value = metricsOf(measurement)[metric];
      return value === undefined ? [] : [{ group: model.signature, architecture, config: measurement.config, value }];
    });
  };
  return METRICS.flatMap((metric) => {
    const all = models.map((_, index) => examplesOf(metric, index));
    return [5, 10, 20].map((taught): BenchRow => {
      // Spread over each grid by a stride that is prime to its size.
      const lessons = all
        .slice(0, taught)
        .flatMap((rows) => rows.filter((_, at) => (at * 5) % rows.length < PER_ARCHITECTURE));
      const predictor = learn(metric, lessons, cores);
      const reach = quantile95(predictor.architectures);
      const errors = all.slice(taught).flatMap((rows) =>
        rows.map(({ architecture, config, value }) => {
          const { mean, deviation } = predictor.predict(architecture, config);
          return { off: Math.abs(Math.log(value) - mean), deviation };
        }),
      );
      const held = errors.filter(({ off, deviation }) => off <= reach * deviation).length;
      const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
      return {
        board,
        metric,
        'architectures learned': taught,
        tested: errors.length,
        'mean error %': (100 * sum(errors.map(({ off }) => Math.expm1(off)))) / errors.length,
        'mean half-width %': (100 * sum(errors.map(({ deviation }) => Math.expm1(reach * deviation)))) / errors.length,
        'in the 95 % intervals': (100 * held) / errors.length,
      };
    });
  });
}
