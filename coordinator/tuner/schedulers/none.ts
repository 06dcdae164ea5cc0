import type { Scheduler, SchedulerKind, Situation, Step } from './scheduler.ts';

/** Every trial gets the whole budget at once. */
export class NoScheduler implements Scheduler {
  #top: number;

  constructor(levels: number) {
    this.#top = levels - 1;
  }
  next({ canStart }: Situation): Step {
    return canStart ? { kind: 'start', bracket: this.#top } : { kind: 'wait' };
  }
  asked() {}
  told() {}
  amended() {}
  raise(levels: number) {
    this.#top = levels - 1;
  }
}

export const none: SchedulerKind = {
  name: 'none',
  description: 'every trial gets the whole budget at once',
  create: ({ levels }) => new NoScheduler(levels),
};
