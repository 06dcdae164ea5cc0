/** What is said of a data set while it is read: what was assumed, left out or replaced, and what looks wrong. */
import type { DatasetNotice } from '@edgetune/shared/domain/dataset-report.ts';

/** So many of a list are named. */
const NAMED = 3;

export class Notices {
  readonly list: DatasetNotice[] = [];

  /** What may well be wrong. */
  warn(message: string): void {
    this.#add({ level: 'warning', message });
  }

  /** What was assumed, or done to the data. */
  note(message: string): void {
    this.#add({ level: 'note', message });
  }

  #add(notice: DatasetNotice): void {
    if (!this.list.some(({ message }) => message === notice.message)) this.list.push(notice);
  }
}

/** "1 image", "3 images". */
export const counted = (count: number, what: string) =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** The first few, and that there are more. */
export function some(names: readonly (string | number)[], most = NAMED): string {
  return (
    names.slice(0, most).join(', ') + (names.length > most ? `, … (${names.length.toLocaleString('en')} in all)` : '')
  );
}
