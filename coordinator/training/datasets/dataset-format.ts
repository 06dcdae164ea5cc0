/** A format of data sets: what a study says of one, and how it is read. */
import type { DatasetFormatInfo } from '@edgetune/shared/domain/study-parts.ts';
import type { z } from 'zod';
import type { DataKind, DataKinds } from './data-kinds.ts';

interface FormatOf<Kind extends DataKind> extends DatasetFormatInfo {
  readonly holds: Kind;
  /**
   * @param settings the section `dataset:` of a study, checked or not
   * @throws {import('../training-service.ts').DatasetError} naming the file that is missing or damaged
   */
  read(settings: unknown): DataKinds[Kind];
}
export type DatasetFormat = { [Kind in DataKind]: FormatOf<Kind> }[DataKind];

/** A format from its settings' schema and a reader of what that schema makes of them. */
export function datasetFormat<Kind extends DataKind, Settings extends z.ZodObject>(
  format: Omit<FormatOf<Kind>, 'settings' | 'read'> & {
    settings: Settings;
    read(settings: z.output<Settings>): DataKinds[Kind];
  },
): FormatOf<Kind> {
  return { ...format, read: (settings) => format.read(format.settings.parse(settings)) };
}
