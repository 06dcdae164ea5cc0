/** What the study recommends: models, and per device the inference config with its evidence. */

import { scoresText } from '@edgetune/shared/domain/class-scores-text.ts';
import type { Recommendation, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { epochsText, trainingEnergyText } from '@edgetune/shared/domain/recommendation-text.ts';
import { download } from '../api/client.ts';
import { Badge } from '../components/badge.tsx';
import { ErrorText } from '../components/dialog.tsx';
import { counted, parameterText, quantity } from '../components/format.ts';
import { SettingsTable } from '../components/settings-table.tsx';
import { useAction } from '../components/use-action.ts';
import { ClassScores } from './class-scores.tsx';

export function RecommendationSection({ recommendation }: { recommendation: Recommendation }) {
  const { models, summary } = recommendation;
  return (
    <section class="card" aria-label="Recommendation">
      <h2>Recommendation</h2>
      {models.length === 0 && <p>No trial came far enough to be recommended.</p>}
      {recommendation.why !== null && <p>{recommendation.why}</p>}
      {models.map((model, index) => (
        <Model key={model.trialId} model={model} place={index + 1} />
      ))}
      <p class="quiet">
        From {counted(summary.trials, 'trial')} ({summary.infeasibleTrials} infeasible) and{' '}
        {counted(summary.measurements, 'measurement')} ({summary.reusedMeasurements} reused
        {summary.savedMeasurements !== undefined &&
          `, ${summary.savedMeasurements} saved against measuring every config`}
        ) in {quantity(summary.wallSeconds * 1000, 'time')}; training took{' '}
        {quantity(summary.trainingCpuSeconds * 1000, 'time')} of CPU time and {trainingEnergyText(summary)} on{' '}
        {summary.trainingBackend}.
      </p>
    </section>
  );
}

function Model({ model, place }: { model: RecommendedModel; place: number }) {
  const { trialId, candidate, quantised } = model;
  const scores = scoresText(model.scores, 'test');
  const onnx = useAction(() => download(`/api/blobs/${model.onnxSha256}?name=model.onnx`, `trial-${trialId}.onnx`));
  const card = useAction(() =>
    download(`/api/blobs/${model.modelCardSha256}?name=model-card.md`, `trial-${trialId}-model-card.md`),
  );
  return (
    <article>
      <h3>
        {place}. Trial {trialId} {!model.feasible && <Badge tone="bad">does not meet the constraints</Badge>}
      </h3>
      {model.misses.length > 0 && <p class="error">{model.misses.join('; ')}</p>}
      <p>
        Accuracy <strong>{quantity(model.testAccuracy, 'ratio')}</strong> on the test split,{' '}
        {quantity(model.validationAccuracy, 'ratio')} on the validation split
        {scores !== null && ` · ${scores} on the test split`} · {quantity(model.parameters, 'count')} parameters,{' '}
        {quantity(model.macs, 'count')} MACs, {quantity(model.onnxBytes, 'memory')} · {epochsText(model)}
      </p>
      <p class="quiet">
        {Object.entries(candidate)
          .map(([name, value]) => `${name} ${parameterText(value)}`)
          .join(' · ')}
      </p>
      {quantised && <InInt8 quantised={quantised} />}
      <SettingsTable
        label={`Devices of trial ${trialId}`}
        caption={`Recommended settings of trial ${trialId} per device`}
        rows={model.devices}
      />
      {model.missing.length > 0 && (
        <ul>
          {model.missing.map(({ device, reason }) => (
            <li key={device}>
              <strong>{device}</strong> is missing: {reason}
            </li>
          ))}
        </ul>
      )}
      <PrecisionReasons model={model} />
      <ClassScores model={model} />
      <div class="buttons">
        <button type="button" class="primary" disabled={onnx.busy.value} onClick={onnx.run}>
          Download ONNX<span class="hidden"> of trial {trialId}</span>
        </button>
        {quantised && 'onnxSha256' in quantised && <Int8Download trialId={trialId} sha256={quantised.onnxSha256} />}
        <button type="button" disabled={card.busy.value} onClick={card.run}>
          Model card<span class="hidden"> of trial {trialId}</span>
        </button>
      </div>
      <ErrorText text={onnx.error.value ?? card.error.value} />
    </article>
  );
}

/** The same model in 8-bit integers: what that costs in accuracy and saves in bytes, or why there is none. */
function InInt8({ quantised }: { quantised: NonNullable<RecommendedModel['quantised']> }) {
  if ('reason' in quantised) return <p>No int8 variant: {quantised.reason}.</p>;
  return (
    <p>
      In int8: accuracy <strong>{quantity(quantised.testAccuracy, 'ratio')}</strong> on the test split,{' '}
      {quantity(quantised.validationAccuracy, 'ratio')} on the validation split ·{' '}
      {quantity(quantised.onnxBytes, 'memory')}
    </p>
  );
}

/** Why a device is recommended the one precision and not the other. */
function PrecisionReasons({ model: { devices } }: { model: RecommendedModel }) {
  const reasons = devices.filter(({ precisionReason }) => precisionReason !== null);
  if (reasons.length === 0) return null;
  return (
    <ul class="quiet">
      {reasons.map(({ device, config, precisionReason }) => (
        <li key={device}>
          {device} runs the {config.precision} file: {precisionReason}.
        </li>
      ))}
    </ul>
  );
}

function Int8Download({ trialId, sha256 }: { trialId: number; sha256: string }) {
  const file = useAction(() => download(`/api/blobs/${sha256}?name=model-int8.onnx`, `trial-${trialId}-int8.onnx`));
  return (
    <>
      <button type="button" disabled={file.busy.value} onClick={file.run}>
        Download int8 ONNX<span class="hidden"> of trial {trialId}</span>
      </button>
      <ErrorText text={file.error.value} />
    </>
  );
}
