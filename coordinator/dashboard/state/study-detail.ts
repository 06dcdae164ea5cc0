/** One study, read anew at most once a second while its stream says that something happens. */
import { type StudyDetail, studyDetailSchema } from '@edgetune/shared/protocol/http.ts';
import { computed, effect, type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals';
import { getJson } from '../api/client.ts';
import { followStream } from '../api/event-stream.ts';
import { studies } from './overview.ts';

const REFRESH_MS = 1000;

export interface StudyState {
  detail: StudyDetail | null;
  error: string | null;
}

export function useStudyDetail(id: string): ReadonlySignal<StudyState> {
  const state = useSignal<StudyState>({ detail: null, error: null });
  useSignalEffect(() => {
    const controller = new AbortController();
    void followStudy(id, controller.signal, (next) => {
      state.value = { ...state.peek(), ...next };
    });
    return () => controller.abort();
  });
  return state;
}

async function followStudy(id: string, signal: AbortSignal, update: (next: Partial<StudyState>) => void) {
  const path = `/api/studies/${encodeURIComponent(id)}`;
  const read = async (): Promise<StudyDetail | null> => {
    try {
      const detail = await getJson(path, studyDetailSchema);
      if (!signal.aborted) update({ detail, error: null });
      return detail;
    } catch (error) {
      if (!signal.aborted) update({ error: (error as Error).message });
      return null;
    }
  };
  const refresh = throttle(() => void read(), REFRESH_MS, signal);
  const first = await read();
  const endStates = onStateChange(first?.id ?? id, refresh);
  signal.addEventListener('abort', endStates, { once: true });
  if (signal.aborted) endStates();
  // Also after a failed read: the stream tries again until it is connected, and then the study is read.
  await followStream(`${path}/stream`, {
    signal,
    ...(first ? { lastEventId: String(first.lastSeq) } : {}),
    onEvent: refresh,
    onConnection: (connected) => connected && refresh(),
  });
}

/** A study that waits for the coordinator's disk has no event that says so; the list of studies is told. */
function onStateChange(id: string, action: () => void): () => void {
  const shown = computed(() => {
    const study = studies.value?.find((each) => each.id === id);
    return `${study?.state}: ${study?.reason}`;
  });
  return effect(() => {
    if (shown.value) action();
  });
}

/** Calls `action` soon after a call, and not again within `intervalMs`; the last call is never lost. */
function throttle(action: () => void, intervalMs: number, signal: AbortSignal): () => void {
  let lastMs = 0;
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(
      () => {
        waiting = false;
        lastMs = performance.now();
        if (!signal.aborted) action();
      },
      Math.max(0, lastMs + intervalMs - performance.now()),
    );
  };
}
