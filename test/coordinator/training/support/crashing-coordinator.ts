/** Trains, stops its training processes as for a measurement, and tells their ids; the test then kills it. */

import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { createTrainingService } from '../../../../coordinator/training/create-training-service.ts';
import { childrenOf, SMALL_TASK } from './processes.ts';

const service = createTrainingService({ log: plainLogger(() => {}) });
const request = {
  ...SMALL_TASK,
  budget: { epochs: 1000, dataFraction: 1 },
  cores: 1,
  judgedBy: BY_ACCURACY,
  checkpoint: null,
};
void service.train(
  request,
  () => {
    service.pause();
    process.send?.(childrenOf(process.pid));
  },
  new AbortController().signal,
);
