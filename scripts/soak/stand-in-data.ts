/** What a training service without data says of them: for worlds in which nothing is really trained. */
import type { DatasetEvidence } from '@edgetune/shared/domain/dataset-report.ts';
import type { CheckedDataset } from '../../coordinator/training/training-service.ts';

/** Validation samples by class are none where `samplesByClass` does not say: what chance would reach is left open. */
export function standInData(change: Partial<DatasetEvidence> = {}): CheckedDataset {
  return {
    dataset: { format: 'synthetic-images' },
    evidence: {
      format: 'synthetic-images',
      isFormatFound: false,
      sha256: '0'.repeat(64),
      files: 0,
      bytes: 0,
      classes: [],
      samplesByClass: { train: [], validation: [], test: [] },
      cut: [],
      shape: 'nothing',
      range: null,
      duplicates: { validationInTrain: 0, testInTrain: 0, testInValidation: 0, within: 0, contradictory: 0 },
      notices: [],
      ...change,
    },
  };
}
