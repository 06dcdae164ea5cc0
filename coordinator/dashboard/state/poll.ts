/** Reads something again and again while it changes. */
import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals';
import type { z } from 'zod';
import { getJson } from '../api/client.ts';

const INTERVAL_MS = 700;

export interface Polled<T> {
  value: T | null;
  error: string | null;
}

/** Reads `path` at once and, while `isChanging` says so of the latest answer (or there was none), again. */
export function usePolled<T extends z.ZodType>(
  path: string,
  schema: T,
  isChanging: (value: z.output<T>) => boolean,
): ReadonlySignal<Polled<z.output<T>>> {
  const state = useSignal<Polled<z.output<T>>>({ value: null, error: null });
  useSignalEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let open = true;
    const read = async () => {
      try {
        const value = await getJson(path, schema);
        if (open) state.value = { value, error: null };
      } catch (error) {
        if (open) state.value = { ...state.peek(), error: (error as Error).message };
      }
      const { value, error } = state.peek();
      if (open && (value === null || error !== null || isChanging(value))) timer = setTimeout(read, INTERVAL_MS);
    };
    void read();
    return () => {
      open = false;
      clearTimeout(timer);
    };
  });
  return state;
}
