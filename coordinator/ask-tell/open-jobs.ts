/** Jobs that were asked and are not told, each with its lease: what nobody has told in time is given to whoever asks next. */
import type { JobLease, OpenJob, TunerEntry, TunerJob } from '@edgetune/shared/protocol/tuner-lines.ts';

interface Open {
  job: TunerJob;
  /** When its lease ends, in milliseconds since 1970; undefined: never. */
  untilMs: number | undefined;
  /** How often it was given to another one. */
  again: number;
}

/** A lease that is renewed before this share of it has passed stays as it is: the journal is not for every heartbeat. */
const LEAST_RENEWAL = 0.1;

export class OpenJobs {
  readonly #open = new Map<number, Open>();

  /** By trial. */
  list(): OpenJob[] {
    return [...this.#open.values()]
      .sort((a, b) => a.job.trial - b.job.trial)
      .map(({ job, untilMs, again }) => ({
        ...job,
        ...(untilMs === undefined ? {} : { leaseUntil: new Date(untilMs).toISOString() }),
        ...(again === 0 ? {} : { again }),
      }));
  }

  has(trial: number, rung: number): boolean {
    return this.#open.get(trial)?.job.rung === rung;
  }

  jobOf(trial: number): TunerJob | undefined {
    return this.#open.get(trial)?.job;
  }

  /** The job whose lease ended first, to be given again until then; null where none has ended. */
  expired(nowMs: number, leaseS: number | null): JobLease | null {
    let first: Open | null = null;
    for (const open of this.#open.values())
      if (open.untilMs !== undefined && open.untilMs <= nowMs && open.untilMs < (first?.untilMs ?? Infinity))
        first = open;
    return first && { trial: first.job.trial, again: first.again + 1, ...until(nowMs, leaseS) };
  }

  /** The lease of a job of which somebody shows progress; null where it stays as it is. */
  renewed(trial: number, nowMs: number, leaseS: number | null): JobLease | null {
    const open = this.#open.get(trial);
    if (!open || leaseS === null) return null;
    const untilMs = nowMs + leaseS * 1000;
    const isLittle = open.untilMs !== undefined && untilMs - open.untilMs < LEAST_RENEWAL * leaseS * 1000;
    return isLittle ? null : { trial, again: open.again, untilMs };
  }

  /** Books what changed, new or replayed. */
  note(entry: TunerEntry) {
    if ('tell' in entry) this.#open.delete(entry.tell.trial);
    else if ('ask' in entry)
      this.#open.set(entry.ask.trial, { job: jobOf(entry.ask), untilMs: entry.untilMs, again: 0 });
    else if ('lease' in entry) {
      const open = this.#open.get(entry.lease.trial);
      if (open) Object.assign(open, { untilMs: entry.lease.untilMs, again: entry.lease.again });
    }
  }
}

/** When a lease of so many seconds ends; null: it does not. */
export function until(nowMs: number, leaseS: number | null): { untilMs?: number } {
  return leaseS === null ? {} : { untilMs: nowMs + leaseS * 1000 };
}

function jobOf({ trial, rung, candidate, budget, proposedBy }: TunerJob): TunerJob {
  return { trial, rung, candidate, budget, proposedBy };
}
