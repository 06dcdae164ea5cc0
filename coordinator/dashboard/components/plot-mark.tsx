/** The marks of plots, and the same in their legends. */

export function Mark({ kind }: { kind: string }) {
  return (
    <svg width="14" height="14" aria-hidden="true">
      <MarkShape kind={kind} x={7} y={7} />
    </svg>
  );
}

/** A circle for feasible points, a cross for others: told apart without colours. */
export function MarkShape({ kind, x, y }: { kind: string; x: number; y: number }) {
  return kind.startsWith('infeasible') ? (
    <path class={`point ${kind}`} d={`M${x - 4} ${y - 4} l8 8 m0 -8 l-8 8`} />
  ) : (
    <circle class={`point ${kind}`} cx={x} cy={y} r={5} />
  );
}
