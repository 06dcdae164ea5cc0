/** Runs a request for a button: whether it runs, and what went wrong. */
import { useSignal } from '@preact/signals';

export function useAction(action: () => Promise<void>) {
  const busy = useSignal(false);
  const error = useSignal<string | null>(null);
  const run = async () => {
    if (busy.value) return;
    busy.value = true;
    error.value = null;
    try {
      await action();
    } catch (failure) {
      error.value = (failure as Error).message;
    } finally {
      busy.value = false;
    }
  };
  return { busy, error, run };
}
