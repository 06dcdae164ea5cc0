/** The files that a finished study leaves: models, model cards, the recommendation and a report. */
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import type { BlobStore } from '../context/blob-store.ts';
import { StudyStateError } from '../state/study-errors.ts';
import { renderReport } from './report.ts';

/** @throws {StudyStateError} where there is no recommendation yet */
export async function exportFiles(
  study: StudyDetail,
  blobs: BlobStore,
): Promise<{ path: string; bytes: Uint8Array }[]> {
  const { recommendation } = study;
  if (!recommendation)
    throw new StudyStateError(`study "${study.name}" is ${study.state}: there is no recommendation to export yet`);
  const text = (path: string, content: string) => ({ path, bytes: new TextEncoder().encode(content) });
  const models = recommendation.models.map(async (model, index) => {
    const folder = `model-${index + 1}-trial-${model.trialId}`;
    return [
      { path: `${folder}/model.onnx`, bytes: await blobs.get(model.onnxSha256) },
      ...(model.quantised && 'onnxSha256' in model.quantised
        ? [{ path: `${folder}/model-int8.onnx`, bytes: await blobs.get(model.quantised.onnxSha256) }]
        : []),
      { path: `${folder}/model-card.md`, bytes: await blobs.get(model.modelCardSha256) },
    ];
  });
  return [
    text('study.yaml', study.yaml),
    text('recommendation.json', `${JSON.stringify(recommendation, null, 2)}\n`),
    text('report.md', renderReport(study)),
    ...(await Promise.all(models)).flat(),
  ];
}
