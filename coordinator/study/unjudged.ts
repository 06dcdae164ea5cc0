/** What a study asks of a classifier that its data set cannot tell: told before anything is trained. */
import { LEAST_CLASSES_FOR_TOP_5, parseClassMetric } from '@edgetune/shared/domain/classification.ts';
import type { DatasetEvidence } from '@edgetune/shared/domain/dataset-report.ts';
import { didYouMean } from '@edgetune/shared/domain/did-you-mean.ts';
import { type Asked, metricsNamedIn } from '@edgetune/shared/domain/study.ts';

type Classes = Pick<DatasetEvidence, 'classes' | 'samplesByClass'>;

/** A mistake for each objective, limit and target on a class that is not there, or that says nothing with these classes. */
export function unjudged(spec: Asked, data: Classes): { path: (string | number)[]; message: string }[] {
  return metricsNamedIn(spec).flatMap(({ path, list }) =>
    list.flatMap(({ metric }, index) => {
      const message = whyNot(metric, data);
      return message === null ? [] : [{ path: [...path, index], message }];
    }),
  );
}

function whyNot(metric: string, { classes, samplesByClass }: Classes): string | null {
  if (metric === 'top5' && classes.length < LEAST_CLASSES_FOR_TOP_5)
    return `top5 says nothing of ${classes.length} classes: it needs at least ${LEAST_CLASSES_FOR_TOP_5}; use accuracy`;
  const named = parseClassMetric(metric);
  if (named === null) return null;
  const { kind, className } = named;
  const label = classes.indexOf(className);
  if (label < 0)
    return `${metric}: the data set has no class "${className}": use one of ${classes.join(', ')}${didYouMean(className, classes)}`;
  return kind === 'recall' && samplesByClass.validation[label] === 0
    ? `${metric}: the validation split has no sample of "${className}", so that nobody can tell how many are recognised`
    : null;
}
