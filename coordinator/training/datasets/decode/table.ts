/** Rows of a table in a text file: commas, semicolons, tabs or bars; quotes as in RFC 4180; with or without a header. */
import Papa from 'papaparse';
import { DatasetError } from '../../training-service.ts';

const SEPARATORS = [',', ';', '\t', '|'];
const PREVIEW_ROWS = 200;

export interface Table {
  /** For people. */
  path: string;
  text: string;
  separator: string;
  /** Numbers are written with a comma. */
  decimalComma: boolean;
  columns: number;
  /** The first rows, the header among them where there is one. */
  preview: readonly string[][];
}

/** @throws {DatasetError} where it has no rows, or quotes that are not closed */
export function openTable(path: string, text: string): Table {
  const separator = separatorOf(text);
  const preview: string[][] = [];
  eachRow({ path, text, separator }, (cells) => {
    preview.push(cells);
    return preview.length < PREVIEW_ROWS;
  });
  if (preview.length === 0) throw new DatasetError(`${path} has no rows`);
  const second = preview[1] ?? (preview[0] as string[]);
  const decimalComma =
    separator !== ',' &&
    preview
      .slice(1)
      .flat()
      .some((cell) => /^\s*-?\d+,\d+\s*$/.test(cell));
  return { path, text, separator, decimalComma, columns: second.length, preview };
}

/** Of the separators, that which makes the most columns of the first lines, alike in all of them. */
function separatorOf(text: string): string {
  const { data } = Papa.parse<string[]>(text.slice(0, 100_000), { preview: 20, skipEmptyLines: true });
  const tried = SEPARATORS.map((separator) => {
    const rows = Papa.parse<string[]>(text.slice(0, 1_000_000), {
      delimiter: separator,
      preview: 20,
      skipEmptyLines: true,
    }).data;
    const widths = rows.slice(0, Math.max(1, rows.length - 1)).map(({ length }) => length);
    const isEven = widths.every((width) => width === widths[0]);
    return { separator, width: isEven ? (widths[0] ?? 1) : 1 };
  });
  const best = tried.reduce((a, b) => (b.width > a.width ? b : a));
  if (best.width > 1) return best.separator;
  // Rows of different widths: what a mistake in them is, its reader says.
  return (
    SEPARATORS.find(
      (separator) =>
        data.some((cells) => cells.join(' ').includes(separator)) || text.slice(0, 1000).includes(separator),
    ) ?? ','
  );
}

/**
 * Calls back for every row that is not empty, with its number, the first row being 1; until one answers false.
 * @throws {DatasetError} naming the row of a quote that is not closed or not doubled
 */
export function eachRow(
  { path, text, separator }: Pick<Table, 'path' | 'text' | 'separator'>,
  use: (cells: string[], row: number) => boolean | undefined,
): void {
  let row = 0;
  let problem: DatasetError | null = null;
  Papa.parse<string[]>(text, {
    delimiter: separator,
    step: ({ data: cells, errors }, parser) => {
      row++;
      const [error] = errors;
      if (error?.type === 'Quotes')
        problem = new DatasetError(
          `${path}, row ${row}, column ${cells.length}: a quote is not closed or not doubled ("${cells.at(-1)?.slice(0, 30)}…")`,
        );
      const isEmpty = cells.every((cell) => cell.trim() === '');
      try {
        if (problem || (!isEmpty && use(cells, row) === false)) parser.abort();
      } catch (thrown) {
        problem ??= thrown as DatasetError;
        parser.abort();
      }
    },
  });
  if (problem) throw problem;
}

/** The number that a cell holds; NaN where it holds none. An empty cell is no number, whatever JavaScript says. */
export function numberIn(cell: string, decimalComma: boolean): number {
  const text = cell.trim();
  if (text === '') return Number.NaN;
  return Number(decimalComma ? text.replace(',', '.') : text);
}

const LABEL_NAMES =
  /^(label|labels|class|classes|class[ _-]?index|class[ _-]?id|class[ _-]?name|category|target|y|sentiment|species|digit|emotion|tag|topic|intent|label[ _-]?text)$/i;

/** Whether a column of this name holds the labels, as people name them. */
export const isLabelName = (name: string) => LABEL_NAMES.test(name.trim());

/**
 * The place of the column that a study names: by the header, or by its number from 1.
 * @throws {DatasetError}
 */
export function columnNamed(
  path: string,
  header: readonly string[] | null,
  columns: number,
  named: string | number,
): number {
  const number = Number(named);
  if (Number.isInteger(number) && number >= 1 && !header?.includes(String(named))) {
    if (number <= columns) return number - 1;
    throw new DatasetError(`${path} has ${columns} columns: there is no column ${named}`);
  }
  if (!header)
    throw new DatasetError(
      `${path} has no header: name the column by its number, from 1 to ${columns}, not "${named}"`,
    );
  const at = header.findIndex((name) => name.trim().toLowerCase() === String(named).trim().toLowerCase());
  if (at < 0)
    throw new DatasetError(
      `${path} has no column "${named}": it has ${header.slice(0, 12).join(', ')}${header.length > 12 ? ', …' : ''}`,
    );
  return at;
}
