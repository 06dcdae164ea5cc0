import type { BenchDevice } from '@edgetune/shared/protocol/bench.ts';
import { Badge, type Tone } from '../components/badge.tsx';

const TONES: Record<BenchDevice['state'], Tone> = {
  running: 'busy',
  finished: 'good',
  failed: 'bad',
  cancelled: 'neutral',
};

/** The state of a bench, or of one device's part of it, in its own word. */
export function BenchState({ state }: { state: BenchDevice['state'] }) {
  return <Badge tone={TONES[state]}>{state}</Badge>;
}
