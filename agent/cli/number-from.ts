/** Parses an option that is a number, and no less than a bound. */
import { InvalidArgumentError } from 'commander';

export function numberFrom(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!(value >= least)) throw new InvalidArgumentError(`expected a number of ${least} or more`);
    return value;
  };
}
