/** Blobs that a study needs by what has happened in it. */
import type { StudyProjection } from './projection.ts';
import type { StudyRecord } from './study-repository.ts';

/** What it recommended, and while it is not done its models and last checkpoints, by their SHA-256. */
export function blobsNeeded({ state }: Pick<StudyRecord, 'state'>, projection: StudyProjection): string[] {
  const recommended = (projection.recommendation?.models ?? []).flatMap(
    ({ onnxSha256, modelCardSha256, quantised }) => [
      onnxSha256,
      modelCardSha256,
      ...(quantised && 'onnxSha256' in quantised ? [quantised.onnxSha256] : []),
    ],
  );
  if (state === 'succeeded') return recommended;
  const checkpoints = new Map(projection.trainings.map(({ trialId, checkpointSha256 }) => [trialId, checkpointSha256]));
  const models = [...projection.architectures.values()].flatMap(({ modelSha256, int8 }) =>
    int8 && 'modelSha256' in int8 ? [modelSha256, int8.modelSha256] : [modelSha256],
  );
  return [...recommended, ...models, ...[...checkpoints.values()].flatMap((sha256) => sha256 ?? [])];
}
