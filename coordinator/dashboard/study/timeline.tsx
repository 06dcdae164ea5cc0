/** When was trained and measured, and how much of it at the same time. */

import type { SpanView, StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { quantity } from '../components/format.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';

const KINDS: readonly SpanView['kind'][] = ['training', 'measuring', 'paused', 'exporting', 'waiting'];
/** Width of the drawing in units of its own; it is stretched over the page. */
const WIDTH = 1000;
const LANE_HEIGHT = 22;

type Lane = [name: string, spans: SpanView[]];

interface TimelineProps {
  spans: readonly SpanView[];
  timeline: StudyDetail['timeline'];
}

export function TimelineSection({ spans, timeline }: TimelineProps) {
  const seconds = (value: number) => quantity(value * 1000, 'time');
  const hidden = timeline.measuringS > 0 ? timeline.overlapS / timeline.measuringS : 0;
  const figures: [string, string][] = [
    ['Total', seconds(timeline.totalS)],
    ['Training', seconds(timeline.trainingS)],
    ['Measuring', seconds(timeline.measuringS)],
    ['Both at once', `${seconds(timeline.overlapS)} (${quantity(hidden, 'ratio')} of measuring)`],
    ['Neither', seconds(timeline.overheadS)],
    ['Training paused', seconds(timeline.pausedS)],
  ];
  return (
    <section class="card" aria-label="Timeline">
      <h2>Timeline</h2>
      <dl class="facts wide">
        {figures.map(([term, text]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {spans.length > 0 && <Lanes spans={spans} />}
    </section>
  );
}

function Lanes({ spans }: { spans: readonly SpanView[] }) {
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const totalMs = Math.max(1, Math.max(...spans.map((span) => span.endMs)) - startMs);
  const names = [...new Set(spans.map(({ lane }) => lane))].sort((a, b) => a.localeCompare(b));
  const lanes = names.map((name): Lane => [name, spans.filter(({ lane }) => lane === name)]);
  return (
    <>
      <div class="lanes">
        {lanes.map(([lane, own]) => (
          <div key={lane} class="lane">
            <span>{lane}</span>
            <svg viewBox={`0 0 ${WIDTH} ${LANE_HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
              {own.map((span) => (
                <rect
                  key={`${span.kind} ${span.startMs}`}
                  class={`span ${span.kind}`}
                  x={((span.startMs - startMs) / totalMs) * WIDTH}
                  width={Math.max(1, ((span.endMs - span.startMs) / totalMs) * WIDTH)}
                  y={2}
                  height={LANE_HEIGHT - 4}
                >
                  <title>{spanText(span)}</title>
                </rect>
              ))}
            </svg>
          </div>
        ))}
      </div>
      <ul class="legend">
        {KINDS.filter((kind) => spans.some((span) => span.kind === kind)).map((kind) => (
          <li key={kind}>
            <svg width="14" height="14" aria-hidden="true">
              <rect class={`span ${kind}`} width="14" height="14" />
            </svg>{' '}
            {kind}
          </li>
        ))}
        <li class="quiet">whole width: {quantity(totalMs, 'time')}</li>
      </ul>
      <LaneTable lanes={lanes} />
    </>
  );
}

function LaneTable({ lanes }: { lanes: readonly Lane[] }) {
  return (
    <details>
      <summary>Timeline as a table</summary>
      <ScrollRegion label="Time per lane">
        <table>
          <caption class="hidden">Time per lane and kind</caption>
          <thead>
            <tr>
              <th scope="col">Lane</th>
              {KINDS.map((kind) => (
                <th key={kind} scope="col" class="number">
                  {kind}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lanes.map(([lane, own]) => (
              <tr key={lane}>
                <th scope="row">{lane}</th>
                {KINDS.map((kind) => (
                  <td key={kind} class="number">
                    {quantity(durationMs(own, kind), 'time')}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
    </details>
  );
}

/** Null where there is no such span. */
function durationMs(spans: readonly SpanView[], kind: SpanView['kind']): number | null {
  const own = spans.filter((span) => span.kind === kind);
  return own.length === 0 ? null : own.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
}

function spanText({ kind, trialId, startMs, endMs }: SpanView): string {
  return `${kind}${trialId === null ? '' : ` of trial ${trialId}`}, ${quantity(endMs - startMs, 'time')}`;
}
