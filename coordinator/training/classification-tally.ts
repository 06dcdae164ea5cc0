/** What a classifier answers, sample by sample, and how well it does by that. */
import {
  type Confusion,
  classMetricsOf,
  LEAST_CLASSES_FOR_TOP_5,
  macroF1,
} from '@edgetune/shared/domain/classification.ts';
import type { Evaluation } from './training-service.ts';

export class ClassificationTally {
  readonly #classes: readonly string[];
  readonly #confusion: Confusion;
  #samples = 0;
  #lossSum = 0;
  #amongFive = 0;

  constructor(classes: readonly string[]) {
    this.#classes = classes;
    this.#confusion = classes.map(() => classes.map(() => 0));
  }

  /** @param logits of one sample, one for each class; of equal ones the first is the answer */
  add(logits: ArrayLike<number>, label: number): void {
    const truth = logits[label] as number;
    let [answer, ahead] = [0, 0];
    for (let other = 0; other < logits.length; other++) {
      const logit = logits[other] as number;
      if (logit > (logits[answer] as number)) answer = other;
      if (logit > truth || (logit === truth && other < label)) ahead++;
    }
    const most = logits[answer] as number;
    let sum = 0;
    for (let other = 0; other < logits.length; other++) sum += Math.exp((logits[other] as number) - most);
    this.#lossSum += most + Math.log(sum) - truth;
    if (ahead < 5) this.#amongFive++;
    const row = this.#confusion[label] as number[];
    row[answer] = (row[answer] as number) + 1;
    this.#samples++;
  }

  /** With `loss` the mean cross-entropy in nats, which is not finite where a logit was not. */
  evaluation(): Evaluation {
    const [samples, confusion] = [this.#samples, this.#confusion];
    const right = confusion.reduce((sum, row, label) => sum + (row[label] as number), 0);
    return {
      samples,
      confusion,
      metrics: {
        accuracy: right / samples,
        loss: this.#lossSum / samples,
        f1: macroF1(confusion),
        ...(this.#classes.length >= LEAST_CLASSES_FOR_TOP_5 ? { top5: this.#amongFive / samples } : {}),
        ...classMetricsOf(confusion, this.#classes),
      },
    };
  }
}
