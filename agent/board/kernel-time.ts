/** Time as the kernel counts it. */

/** Scheduler ticks a second in /proc: fixed by the kernel's user interface (proc(5), sysconf(_SC_CLK_TCK)). */
export const TICKS_PER_S = 100;

/** Milliseconds of the clock that all processes of a machine share, other than performance.now(). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
