/** Spans of time on a study's lanes, and how much training and measuring overlapped. */
import type { SpanView, StudyDetail } from '@edgetune/shared/protocol/http.ts';

type Interval = readonly [startMs: number, endMs: number];

/** Sorted, disjoint intervals that cover what the given ones cover. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else if (end > start) merged.push([start, end]);
  }
  return merged;
}

/** Total length of disjoint intervals. */
export function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** What both lists of disjoint, sorted intervals cover. */
export function intersection(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  return without(a, without(a, b));
}

/**
 * Times in seconds: `trainingS` and `measuringS` are the times in which at least one trial trained or one device
 * measured (training that stands still for a host lease does not count); `overheadS` is what neither covers.
 */
export function summariseTimeline(spans: readonly SpanView[]): StudyDetail['timeline'] {
  const of = (kind: SpanView['kind']) =>
    union(spans.filter((span) => span.kind === kind).map((span) => [span.startMs, span.endMs]));
  const paused = of('paused');
  const training = without(of('training'), paused);
  const measuring = of('measuring');
  const totalMs =
    spans.length === 0
      ? 0
      : Math.max(...spans.map((span) => span.endMs)) - Math.min(...spans.map((span) => span.startMs));
  const waitingMs = lengthOf(without(of('waiting'), union([...training, ...measuring])));
  const busyMs = lengthOf(union([...training, ...measuring]));
  return {
    totalS: totalMs / 1000,
    trainingS: lengthOf(training) / 1000,
    measuringS: lengthOf(measuring) / 1000,
    overlapS: lengthOf(intersection(training, measuring)) / 1000,
    overheadS: Math.max(0, totalMs - busyMs - waitingMs) / 1000,
    pausedS: lengthOf(paused) / 1000,
  };
}

/** `a` less what `b` covers; both disjoint and sorted. */
export function without(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  return a.flatMap(([start, end]) => {
    const left: Interval[] = [];
    let from = start;
    for (const [cutStart, cutEnd] of [...b, [end, end] as const]) {
      const to = Math.min(cutStart, end);
      if (to > from) left.push([from, to]);
      from = Math.max(from, cutEnd);
    }
    return left;
  });
}
