/** One thing that was looked at on this board. */
export interface Finding {
  what: string;
  /** `missing`: the agent works without it, and measures or controls less; `bad`: the agent cannot work. */
  state: 'good' | 'missing' | 'bad';
  detail: string;
  /** How to get it; null where there is nothing to do, or nothing that can be done. */
  remedy: string | null;
}

export const good = (what: string, detail: string): Finding => ({ what, state: 'good', detail, remedy: null });
export const missing = (what: string, detail: string, remedy: string | null): Finding => ({
  what,
  state: 'missing',
  detail,
  remedy,
});
export const bad = (what: string, detail: string, remedy: string): Finding => ({ what, state: 'bad', detail, remedy });
