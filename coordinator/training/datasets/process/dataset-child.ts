/** A process that reads one data set, and ends. */
import { readDataset } from '../read-dataset.ts';
import { evidenceOf, reportOf } from '../report.ts';
import { type DatasetAnswer, type DatasetRequest, datasetRequestSchema } from './dataset-messages.ts';
import { writePrepared } from './prepared-file.ts';

async function answer({ dataset, takes, limits, into }: DatasetRequest): Promise<DatasetAnswer> {
  const read = await readDataset(dataset, takes ?? undefined, limits);
  if (into === null) return { type: 'report', report: await reportOf(read) };
  const file = writePrepared(into, read);
  return {
    type: 'prepared',
    prepared: { file, identity: read.identity, dataset: read.dataset, evidence: evidenceOf(read) },
  };
}

process.once('message', async (message) => {
  let said: DatasetAnswer;
  try {
    said = await answer(datasetRequestSchema.parse(message));
  } catch (error) {
    const { name, message: text } = error as Error;
    said = { type: 'error', name, message: text };
  }
  process.send?.(said, () => process.disconnect?.());
});
process.on('disconnect', () => process.exit());
