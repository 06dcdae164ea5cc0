/** One study: how it goes, what was tried, and what it recommends. */
import { datasetText } from '@edgetune/shared/domain/dataset-report.ts';
import { earlierText } from '@edgetune/shared/domain/earlier.ts';
import { extensionText } from '@edgetune/shared/domain/study-extension.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { SyntheticBadge } from '../components/badge.tsx';
import { counted, dateTime, quantity } from '../components/format.ts';
import { announce } from '../state/announce.ts';
import { useStudyDetail } from '../state/study-detail.ts';
import { LearningCurves } from '../study/learning-curves.tsx';
import { RecommendationSection } from '../study/recommendation.tsx';
import { HypervolumeOverTime, ParameterImportance } from '../study/search-progress.tsx';
import { StateBadge } from '../study/state-badge.tsx';
import { StudyActions } from '../study/study-actions.tsx';
import { StudyDevices } from '../study/study-devices.tsx';
import { TimelineSection } from '../study/timeline.tsx';
import { TradeOff } from '../study/trade-off.tsx';
import { TrialsTable } from '../study/trials-table.tsx';

export function StudyPage({ id }: { id: string }) {
  const { detail, error } = useStudyDetail(id).value;
  const device = useSignal<string | null>(null);
  if (detail === null) return error === null ? <p>Reading the study …</p> : <p class="error">{error}</p>;
  const chosen = device.value ?? detail.devices[0] ?? '';
  return (
    <>
      <div class="title">
        <h1>
          {detail.name} <StateBadge state={detail.state} /> {detail.syntheticData && <SyntheticBadge />}
        </h1>
        <StudyActions study={detail} />
      </div>
      {error !== null && <p class="error">{error}</p>}
      <Progress study={detail} />
      {detail.data && <StudyData data={detail.data} />}
      {detail.earlier && <p>{earlierText(detail.earlier)}</p>}
      {detail.extensions.map((extension) => (
        <p key={extension.at}>{extensionText(extension)}</p>
      ))}
      {detail.warnings.length > 0 && <Warnings warnings={detail.warnings} />}
      <StudyDevices study={detail} />
      {detail.recommendation && <RecommendationSection recommendation={detail.recommendation} />}
      <label class="inline">
        Device shown below{' '}
        <select value={chosen} onChange={(event) => (device.value = event.currentTarget.value)}>
          {detail.devices.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <div class="halves">
        <TradeOff trials={detail.trialViews} device={chosen} />
        <LearningCurves trials={detail.trialViews} />
      </div>
      <div class="halves">
        <HypervolumeOverTime study={detail} />
        <ParameterImportance study={detail} />
      </div>
      <TrialsTable study={detail} device={chosen} />
      <TimelineSection spans={detail.spans} timeline={detail.timeline} />
      <details class="card">
        <summary>Study as YAML</summary>
        <pre class="code">{detail.yaml}</pre>
      </details>
    </>
  );
}

function Progress({ study }: { study: StudyDetail }) {
  const { trials, progress, state, reason } = study;
  const percent = Math.round(progress * 100);
  // Screen readers hear every tenth and every change of state, not each second's step.
  const tenth = Math.floor(percent / 10) * 10;
  useEffect(() => announce(`Study ${study.name} is ${state}, ${tenth} percent done`), [study.name, state, tenth]);
  return (
    <section class="card" aria-label="Progress">
      <div class="progress-row">
        <progress max={100} value={percent} aria-label="Progress of the study" />
        <strong>{percent} %</strong>
      </div>
      {reason && <p>{reason}</p>}
      <p class="quiet">
        {study.workload} on {study.devices.join(', ')} · {counted(trials.started, 'trial')} of {trials.planned} started,{' '}
        {trials.finished} finished, {trials.infeasible} infeasible, {trials.failed} failed · best accuracy{' '}
        {quantity(study.bestAccuracy, 'ratio')} · started {dateTime(study.createdAt)}
        {study.finishedAt && ` · ended ${dateTime(study.finishedAt)}`}
      </p>
    </section>
  );
}

/** What the study trains on, as it was read when it began. */
function StudyData({ data }: { data: NonNullable<StudyDetail['data']> }) {
  const notes = data.notices.filter(({ level }) => level === 'note');
  return (
    <details>
      <summary>{datasetText(data)}</summary>
      <p>
        {data.shape}
        {data.range === null ? '' : `; ${data.range}`}. sha256 <code>{data.sha256}</code>. It is compared before each
        rung: a study whose data have changed stops.
      </p>
      <ul>
        {notes.map(({ message }) => (
          <li key={message}>{message}</li>
        ))}
      </ul>
    </details>
  );
}

function Warnings({ warnings }: { warnings: readonly string[] }) {
  return (
    <section class="card warnings" aria-label="Warnings">
      <h2>{counted(warnings.length, 'warning')}</h2>
      <ul>
        {warnings.map((warning, index) => (
          <li key={index}>{warning}</li>
        ))}
      </ul>
    </section>
  );
}
