/** Fits the coefficients of one backend to measured latencies, and says how sure that makes it of which networks. */

import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import { solve } from '@edgetune/shared/math/linear-algebra.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { Backend, BoardProfile } from './board-profile.ts';
import { fitWithStrengths, isOtherBoard } from './choose-strengths.ts';
import { foldsOf, type Groups, groupsOf } from './fit-groups.ts';
import { type FittedRange, knownCoefficients, logDeviation } from './fitted-range.ts';
import { fitLogarithms, type LogFit, type LogRow, sharesOf } from './log-fit.ts';
import { runTerms } from './predict.ts';
import { mean, median } from './statistics.ts';
import { TERMS, type Term } from './terms.ts';

export interface LatencyRow {
  analysis: RunnableModel;
  config: InferenceConfig;
  latencyMs: number;
}

export interface Observation extends LatencyRow {
  /** Cost of each term under the base, in microseconds. */
  baseUs: Float64Array;
}

/** @throws {UnsupportedConfigError} as `runTerms` does */
export function observe(base: BoardProfile, row: LatencyRow): Observation {
  const { backend, terms } = runTerms(base, row.analysis, row.config);
  const { analysis, config, latencyMs } = row;
  const baseUs = Float64Array.from(TERMS, (term) => terms[term] * (backend.coefficients[term] ?? 0));
  return { analysis, config, latencyMs, baseUs };
}

/** How much of what one set of families showed is taken to hold for others: of the speed as a whole, of each coefficient. */
export interface Adoption {
  level: number;
  coefficients: number;
}

/** A cell's rows count as no more than so many: networks of one family and size repeat each other. */
const MOST_PER_CELL = 20;
/** Rows further off than so many robust standard deviations count less (Huber, 1964), who may be this close together. */
const HUBER = 2;
const SMALLEST_SCALE = 0.01;
const REWEIGHTINGS = 8;

function logRows(observations: readonly Observation[], groups: Groups, trust?: readonly number[]): LogRow[] {
  const cells = new Map<string, number>();
  const cell = observations.map(({ config }, index) => {
    const name = `${groups.family[index]} ${groups.size[index]} ${config.threads}`;
    if (!cells.has(name)) cells.set(name, cells.size);
    return cells.get(name) as number;
  });
  const counts = new Map<number, number>();
  for (const each of cell) counts.set(each, (counts.get(each) ?? 0) + 1);
  return observations.map(({ baseUs, latencyMs }, index) => ({
    baseUs,
    logUs: Math.log(latencyMs * 1000),
    family: groups.family[index] as number,
    size: groups.size[index] as number,
    cell: cell[index] as number,
    count: Math.min(1, MOST_PER_CELL / (counts.get(cell[index] as number) as number)),
    trust: trust?.[index] ?? 1,
  }));
}

/** One disturbed measurement among ten must not bend every coefficient. */
function trustOf(rows: readonly LogRow[], { logRatios }: LogFit): number[] {
  const shares = new Float64Array(TERMS.length);
  const rest = rows.map(({ baseUs, logUs }) => logUs - sharesOf(baseUs, logRatios, shares));
  const middles = new Map<number, number>();
  for (const { cell } of rows)
    if (!middles.has(cell)) middles.set(cell, median(rest.filter((_, index) => rows[index]?.cell === cell)));
  const off = rest.map((value, index) => Math.abs(value - (middles.get(rows[index]?.cell as number) as number)));
  const scale = Math.max(SMALLEST_SCALE, 1.4826 * median(off));
  return off.map((value) => Math.min(1, (HUBER * scale) / Math.max(value, 1e-12)));
}

/** The base may be far off: what the rows agree on is sought with little regard to it, so that the row that does not stands out. */
const OPEN: LogFit['strengths'] = { level: 1, coefficient: 0.5, family: 0.1, size: 0.05, cell: 0.05, row: 0.03 };

function trustIn(observations: readonly Observation[], groups: Groups): number[] {
  let trust = observations.map(() => 1);
  for (let round = 0; round < REWEIGHTINGS; round += 1) {
    const rows = logRows(observations, groups, trust);
    trust = trustOf(rows, fitLogarithms(rows, OPEN));
  }
  return trust;
}

/** Mean over families of the logarithm of measured over base: the speed of the board as a whole. */
function levelOf(observations: readonly Observation[], groups: Groups): number {
  const ratios = observations.map(({ baseUs, latencyMs }) =>
    Math.log((latencyMs * 1000) / baseUs.reduce((sum, us) => sum + us, 0)),
  );
  return mean(
    groups.families.map((_, family) => mean(ratios.filter((_ratio, index) => groups.family[index] === family))),
  );
}

function adopt(logRatios: Float64Array, level: number, adoption: Adoption): Float64Array {
  return logRatios.map((ratio) => adoption.level * level + adoption.coefficients * (ratio - level));
}

/** A fit of these rows, under strengths and trust that all of them gave. */
export interface Fitted {
  observations: readonly Observation[];
  groups: Groups;
  fit: LogFit;
  level: number;
}

export interface LeftOut {
  by: 'size' | 'family';
  fitted: Fitted;
  left: readonly Observation[];
  /** Indices of the rows that are left out. */
  indices: readonly number[];
}

function fittedTo(
  observations: readonly Observation[],
  trust: readonly number[],
  strengths: LogFit['strengths'],
): Fitted {
  const groups = groupsOf(observations);
  const fit = fitLogarithms(logRows(observations, groups, trust), strengths);
  return { observations, groups, fit, level: levelOf(observations, groups) };
}

/** Fits all rows, and leaves out each size and each family in turn. `baseSd`: of the base's own error, in logarithms. */
export function fitAndLeaveOut(
  observations: readonly Observation[],
  baseSd: number,
): { whole: Fitted; leftOut: LeftOut[] } {
  const groups = groupsOf(observations);
  const trust = trustIn(observations, groups);
  const { strengths } = fitWithStrengths(logRows(observations, groups, trust), baseSd);
  const whole = fittedTo(observations, trust, strengths);
  const leftOut = (['size', 'family'] as const).flatMap((by) => {
    const { fold, count } = foldsOf(groups[by]);
    if (count < 2) return [];
    return Array.from({ length: count }, (_, each): LeftOut => {
      const isLeft = (index: number) => fold[index] === each;
      const rest = observations.filter((_row, index) => !isLeft(index));
      const fitted = fittedTo(
        rest,
        trust.filter((_row, index) => !isLeft(index)),
        strengths,
      );
      const indices = [...observations.keys()].filter(isLeft);
      return { by, fitted, left: indices.map((index) => observations[index] as Observation), indices };
    });
  });
  return { whole, leftOut };
}

const SHARES_ADOPTED = [0, 0.25, 0.5, 0.75, 1];
/** To depart from the usual adoption by a quarter has to lessen the families' summed error by this share of the base's. */
const RELUCTANCE = 0.125;

/**
 * What the families at hand do for one that was left out decides. With one family nothing is known of that: half of its
 * level (all of it where the board is of another speed than the base) and a quarter of its coefficients are taken over.
 */
export function chooseAdoption(whole: Fitted, leftOut: readonly LeftOut[], baseSd: number): Adoption {
  const usual: Adoption = { level: isOtherBoard(whole.fit) ? 1 : 0.5, coefficients: 0.25 };
  const families = leftOut.filter(({ by }) => by === 'family');
  const shares = new Float64Array(TERMS.length);
  let best = usual;
  let least = Number.POSITIVE_INFINITY;
  for (const level of SHARES_ADOPTED)
    for (const coefficients of SHARES_ADOPTED) {
      const steps = (Math.abs(level - usual.level) + Math.abs(coefficients - usual.coefficients)) / 0.25;
      let loss = RELUCTANCE * baseSd * steps;
      for (const { fitted, left } of families) {
        const ratios = adopt(fitted.fit.logRatios, fitted.level, { level, coefficients });
        loss += mean(
          left.map(({ baseUs, latencyMs }) => Math.abs(sharesOf(baseUs, ratios, shares) - Math.log(latencyMs * 1000))),
        );
      }
      if (loss < least) [least, best] = [loss, { level, coefficients }];
    }
  return best;
}

function scaled(backend: Backend, logRatios: Float64Array): Backend['coefficients'] {
  return Object.fromEntries(
    TERMS.flatMap((term: Term, index) => {
      const us = backend.coefficients[term];
      return us === undefined ? [] : [[term, us * Math.exp(logRatios[index] as number)]];
    }),
  );
}

const rounded = (value: number) => Number(value.toPrecision(5));

/** The lower half of the coefficients' covariance, for the terms that cost anything. */
function covarianceOf(backend: Backend, precision: Float64Array): Pick<FittedRange['spread'], 'terms' | 'covariance'> {
  const count = TERMS.length;
  const terms = TERMS.filter((term) => (backend.coefficients[term] ?? 0) > 0);
  const covariance = terms.flatMap((term, row) => {
    const column = solve(precision, count, unit(TERMS.indexOf(term), count));
    return terms.slice(0, row + 1).map((other) => rounded(column[TERMS.indexOf(other)] as number));
  });
  return { terms, covariance };
}

function unit(index: number, count: number): Float64Array {
  return new Float64Array(count).fill(1, index, index + 1);
}

/** The backend as fitted. `quantile`: deviations to each side that hold 95 %. */
export function fittedBackend(
  backend: Backend,
  { observations, groups, fit, level }: Fitted,
  adoption: Adoption,
  baseSd: number,
  quantile: number,
): Backend & { fit: FittedRange } {
  const { strengths } = fit;
  return {
    ...backend,
    coefficients: scaled(backend, adopt(fit.logRatios, level, adoption)),
    fit: {
      coefficients: scaled(backend, fit.logRatios),
      families: groups.families.map((kernels, index) => ({ kernels, logRatio: fit.families[index] as number })),
      sizes: groups.sizes.map((inputElements, index) => ({ inputElements, logRatio: fit.sizes[index] as number })),
      threads: [...new Set(observations.map(({ config }) => config.threads))].sort((one, two) => one - two),
      spread: {
        row: strengths.row,
        size: strengths.size,
        family: strengths.family,
        threads: baseSd,
        quantile,
        ...covarianceOf(backend, fit.precision),
      },
    },
  };
}

/** Standard deviation that the fitted backend states for a row's logarithm of measured over predicted. */
export function statedDeviation(
  { coefficients, fit }: Backend & { fit: FittedRange },
  row: Observation,
  base: Backend,
): number {
  const own = knownCoefficients(fit, row.analysis) ?? coefficients;
  const us = Object.fromEntries(
    TERMS.map((term, index) => {
      const before = base.coefficients[term] ?? 0;
      return [term, before > 0 ? ((row.baseUs[index] as number) * (own[term] ?? 0)) / before : 0];
    }),
  ) as Record<Term, number>;
  return logDeviation(fit, row.analysis, row.config, us);
}
