/** Who was busy when: stretches of time reported by those who train, measure and pause, heard by the study they belong to. */
import type { SpanView } from '@edgetune/shared/protocol/http.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { tellAll } from '../lifecycle/tell-all.ts';

/** A span on the wall clock (milliseconds since 1970); `studyId` null: it concerns every study (a pause). */
export type BusySpan = SpanView & { studyId: string | null };

export interface SpanBus {
  publish(span: BusySpan): void;
  subscribe(listener: (span: BusySpan) => void): () => void;
}

/** @param onFault hears what a listener has thrown: those who train and measure are not to */
export function createSpanBus(onFault: (error: unknown) => void = console.error): SpanBus {
  const listeners = new Set<(span: BusySpan) => void>();
  return {
    publish: (span) => tellAll(listeners, span, onFault),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The fleet's `measure`, publishing how long each device worked on a job: from `running` to its end. */
export function measureWithSpans(fleet: Pick<Fleet, 'measure' | 'devices'>, bus: SpanBus): Fleet['measure'] {
  return async (deviceId, request, options) => {
    let startMs: number | null = null;
    try {
      return await fleet.measure(deviceId, request, {
        ...options,
        onStateChange: (state) => {
          if (state === 'running') startMs = Date.now();
          options.onStateChange?.(state);
        },
      });
    } finally {
      if (startMs !== null) {
        const lane = fleet.devices().find(({ id }) => id === deviceId)?.name ?? deviceId;
        bus.publish({ studyId: options.studyId, lane, kind: 'measuring', trialId: null, startMs, endMs: Date.now() });
      }
    }
  };
}
