/** Trains, stops its training processes as for a measurement, and tells their ids; the test then kills it. */
import { createTrainingService } from '../../../../coordinator/training/create-training-service.ts';
import { childrenOf, SMALL_TASK } from './processes.ts';

const service = createTrainingService({ log: () => {} });
const request = { ...SMALL_TASK, budget: { epochs: 1000, dataFraction: 1 }, cores: 1, checkpoint: null };
void service.train(
  request,
  () => {
    service.pause();
    process.send?.(childrenOf(process.pid));
  },
  new AbortController().signal,
);
