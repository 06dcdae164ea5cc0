/** What the study recommends: models, and per device the inference config with its evidence. */

import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Recommendation, RecommendedDevice, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { download } from '../api/client.ts';
import { Badge } from '../components/badge.tsx';
import { ErrorText } from '../components/dialog.tsx';
import { counted, parameterText, quantity } from '../components/format.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { useAction } from '../components/use-action.ts';

export function RecommendationSection({ recommendation }: { recommendation: Recommendation }) {
  const { models, summary } = recommendation;
  return (
    <section class="card" aria-label="Recommendation">
      <h2>Recommendation</h2>
      {models.length === 0 && <p>No trial came far enough to be recommended.</p>}
      {models.map((model, index) => (
        <Model key={model.trialId} model={model} place={index + 1} />
      ))}
      <p class="quiet">
        From {counted(summary.trials, 'trial')} ({summary.infeasibleTrials} infeasible) and{' '}
        {counted(summary.measurements, 'measurement')} ({summary.reusedMeasurements} reused) in{' '}
        {quantity(summary.wallSeconds * 1000, 'time')}; training took{' '}
        {quantity(summary.trainingCpuSeconds * 1000, 'time')} of CPU time and{' '}
        {quantity(summary.trainingEnergyJ, 'energy')} on {summary.trainingBackend}.
      </p>
    </section>
  );
}

function Model({ model, place }: { model: RecommendedModel; place: number }) {
  const { trialId, candidate } = model;
  const onnx = useAction(() => download(`/api/blobs/${model.onnxSha256}?name=model.onnx`, `trial-${trialId}.onnx`));
  const card = useAction(() =>
    download(`/api/blobs/${model.modelCardSha256}?name=model-card.md`, `trial-${trialId}-model-card.md`),
  );
  return (
    <article>
      <h3>
        {place}. Trial {trialId} {!model.feasible && <Badge tone="bad">breaks a constraint</Badge>}
      </h3>
      <p>
        Accuracy <strong>{quantity(model.testAccuracy, 'ratio')}</strong> on the test split,{' '}
        {quantity(model.validationAccuracy, 'ratio')} on the validation split · {quantity(model.parameters, 'count')}{' '}
        parameters, {quantity(model.macs, 'count')} MACs, {quantity(model.onnxBytes, 'memory')} ·{' '}
        {counted(model.epochs, 'epoch')}
      </p>
      <p class="quiet">
        {Object.entries(candidate)
          .map(([name, value]) => `${name} ${parameterText(value)}`)
          .join(' · ')}
      </p>
      <ScrollRegion label={`Devices of trial ${trialId}`}>
        <table>
          <caption class="hidden">Recommended settings of trial {trialId} per device</caption>
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col" class="number">
                Batch
              </th>
              <th scope="col" class="number">
                Threads
              </th>
              <th scope="col">Clock</th>
              <th scope="col">Runs as</th>
              <th scope="col" class="number">
                Latency p50
              </th>
              <th scope="col" class="number">
                Latency p99
              </th>
              <th scope="col" class="number">
                Throughput
              </th>
              <th scope="col" class="number">
                Memory
              </th>
              <th scope="col" class="number">
                Energy per inference
              </th>
            </tr>
          </thead>
          <tbody>
            {model.devices.map((device) => (
              <DeviceRow key={device.device} recommended={device} />
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      <div class="buttons">
        <button type="button" class="primary" disabled={onnx.busy.value} onClick={onnx.run}>
          Download ONNX<span class="hidden"> of trial {trialId}</span>
        </button>
        <button type="button" disabled={card.busy.value} onClick={card.run}>
          Model card<span class="hidden"> of trial {trialId}</span>
        </button>
      </div>
      <ErrorText text={onnx.error.value ?? card.error.value} />
    </article>
  );
}

function DeviceRow({ recommended }: { recommended: RecommendedDevice }) {
  const { config, measurement, feasible } = recommended;
  return (
    <tr>
      <th scope="row">
        {recommended.device} {measurement.simulated && <Badge tone="notice">SIMULATED</Badge>}{' '}
        {!feasible && <Badge tone="bad">breaks a constraint</Badge>}
      </th>
      <td class="number">{config.batchSize}</td>
      <td class="number">{config.threads}</td>
      <td>{config.clockKHz === null ? 'governor' : quantity(config.clockKHz, 'clock')}</td>
      <td>
        {config.precision}, {config.executionProvider}, {config.runner}
      </td>
      <td class="number">{quantity(measurement.latencyMs?.p50, 'time')}</td>
      <td class="number">{quantity(measurement.latencyMs?.p99, 'time')}</td>
      <td class="number">{quantity(measurement.throughputPerS, 'rate')}</td>
      <td class="number">{quantity(measurement.peakMemoryBytes, 'memory')}</td>
      <td class="number">
        <EnergyFigure energy={measurement.energy} />
      </td>
    </tr>
  );
}

/** Never without its source: an estimate is not a measurement. */
function EnergyFigure({ energy }: { energy: StoredMeasurement['energy'] }) {
  if (energy === null) return <>no meter</>;
  return (
    <>
      {quantity(energy.netJ, 'energy')}{' '}
      <Badge tone={energy.source === 'meter' ? 'good' : 'notice'} title={energy.meter}>
        {energy.source}
      </Badge>
    </>
  );
}
