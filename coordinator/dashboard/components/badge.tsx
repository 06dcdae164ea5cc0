/** A short label for a state; the colour never says more than the words. */
import type { ComponentChildren } from 'preact';

export type Tone = 'neutral' | 'good' | 'busy' | 'bad' | 'notice';

export function Badge({ tone, title, children }: { tone: Tone; title?: string; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

export function SyntheticBadge() {
  return (
    <Badge tone="notice" title="The samples were drawn by EdgeTune itself: accuracies say nothing about real data.">
      synthetic data
    </Badge>
  );
}
