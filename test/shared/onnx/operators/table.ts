/** All rows: every operator that the reader sizes, its attributes, ranks and versions. */
import { ATTENTION } from './attention.ts';
import { CONVOLUTIONS } from './convolutions.ts';
import { ACTIVATIONS, BINARY, UNARY } from './elementwise.ts';
import { MAKERS } from './makers.ts';
import { MATRICES } from './matrices.ts';
import { NORMALISATIONS } from './normalisations.ts';
import type { OperatorCase } from './operator-case.ts';
import { POOLS } from './pools.ts';
import { QUANTISERS } from './quantisers.ts';
import { RECURRENT_LAYERS } from './recurrent-layers.ts';
import { SAMPLING_AND_SIGNALS } from './sampling.ts';
import { SELECTIONS } from './selections.ts';
import { VIEWS } from './views.ts';

export const OPERATOR_TABLE: readonly OperatorCase[] = [
  ...CONVOLUTIONS,
  ...POOLS,
  ...MATRICES,
  ...RECURRENT_LAYERS,
  ...BINARY,
  ...UNARY,
  ...ACTIVATIONS,
  ...NORMALISATIONS,
  ...QUANTISERS,
  ...VIEWS,
  ...SELECTIONS,
  ...MAKERS,
  ...ATTENTION,
  ...SAMPLING_AND_SIGNALS,
];

export const titleOf = ({ op, domain, opset = 17, what }: OperatorCase) =>
  `${domain ? `${domain}::` : ''}${op} (${opset}) ${what}`;

/** The rows of each operator, by its name with its domain. */
export function rowsByOperator(): Map<string, OperatorCase[]> {
  const groups = new Map<string, OperatorCase[]>();
  for (const row of OPERATOR_TABLE) {
    const key = row.domain ? `${row.domain}::${row.op}` : row.op;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
