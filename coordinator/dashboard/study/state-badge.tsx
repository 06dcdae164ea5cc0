import type { StudyState } from '@edgetune/shared/domain/study.ts';
import { Badge, type Tone } from '../components/badge.tsx';

const TONES: Record<StudyState, Tone> = {
  queued: 'neutral',
  running: 'busy',
  waiting: 'notice',
  stopping: 'notice',
  stopped: 'neutral',
  succeeded: 'good',
  failed: 'bad',
};

/** The state of a study in its own word. */
export function StateBadge({ state }: { state: StudyState }) {
  return <Badge tone={TONES[state]}>{state}</Badge>;
}
