import { BayesianSampler } from './bayesian/bayesian.ts';
import { TpeSampler } from './parzen/tpe.ts';
import type { SamplerKind } from './sampler.ts';

/** From so many observations on, Parzen estimators take over: their cost hardly grows. */
const MOST_OBSERVATIONS = 400;

/** The default: Bayesian optimisation while observations are few, TPE (or MOTPE) for long studies. */
export const auto: SamplerKind = {
  name: 'auto',
  description: `the default: bayesian for the first ${MOST_OBSERVATIONS} observations, then tpe or motpe`,
  create({ startup, objectives, weighsTime }) {
    const bayesian = new BayesianSampler(startup, weighsTime);
    const parzen = new TpeSampler(objectives === 1 ? 'tpe' : 'motpe', startup);
    return {
      propose: (view, random) => (view.observed < MOST_OBSERVATIONS ? bayesian : parzen).propose(view, random),
    };
  },
  commits: true,
};
