/** What a search of inference configs is given. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Example } from '../predictor/predictor.ts';
import type { ConfigAxis } from './config-grid.ts';
import type { Goals } from './config-score.ts';

/** Measures a config (or recalls it); null where it could not be measured. */
export type Evaluate = (config: InferenceConfig) => Promise<StoredMeasurement | null>;

export interface SearchProblem {
  axes: readonly ConfigAxis[];
  goals: Goals;
  cores: number;
  /** The architecture's name among examples. */
  group: string;
  /** Coordinates of the graph that a config runs. */
  architectureFor: (config: InferenceConfig) => readonly number[];
  /** What the device has shown with other architectures, by metric. */
  examples: (metric: string) => readonly Example[];
  /** Configs whose measurement is in the history and costs nothing. */
  isKnown: (config: InferenceConfig) => boolean;
  evaluate: Evaluate;
  /** True: no measurement but the first is begun any more. */
  isTimeUp: () => boolean;
}
