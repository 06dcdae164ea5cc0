/** What all benchmarks share: a table on the terminal, and the same as JSON with `--json FILE`. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

export type BenchRow = Record<string, string | number | null>;

export interface BenchTable {
  title: string;
  rows: BenchRow[];
}

/** Prints the tables, and writes them with what they were measured on where `--json FILE` is among the arguments. */
export function report(tables: BenchTable[], commandLine: readonly string[] = process.argv.slice(2)): void {
  for (const table of tables) console.log(`\n${table.title}\n${formatTable(table.rows)}`);
  const at = commandLine.indexOf('--json');
  const file = at < 0 ? undefined : commandLine[at + 1];
  if (at >= 0 && file === undefined) throw new Error('--json needs the name of a file to write');
  if (file === undefined) return;
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, tables }, null, 2)}\n`);
}

/** Columns as wide as their widest cell; numbers to the right with three or more significant digits. */
export function formatTable(rows: BenchRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column] ?? null)));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((line) => (line[index] as string).length)),
  );
  const isNumber = columns.map((column) => rows.every((row) => typeof row[column] !== 'string'));
  const line = (texts: string[]) =>
    texts
      .map((text, index) =>
        isNumber[index] ? text.padStart(widths[index] as number) : text.padEnd(widths[index] as number),
      )
      .join('  ')
      .trimEnd();
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

function formatCell(value: string | number | null): string {
  if (typeof value !== 'number') return value ?? '–';
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}
