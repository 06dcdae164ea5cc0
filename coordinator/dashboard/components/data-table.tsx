/** A table that is sorted by a click on a column's header and shown in pages. */

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { ScrollRegion } from './scroll-region.tsx';

export interface Column<Row> {
  key: string;
  title: string;
  numeric?: boolean;
  /** What the column is sorted by; null values come last. */
  sortBy(row: Row): number | string | null;
  show(row: Row): ComponentChildren;
}

interface DataTableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey(row: Row): string | number;
  pageSize?: number;
}

export function DataTable<Row>({ caption, columns, rows, rowKey, pageSize = 20 }: DataTableProps<Row>) {
  const sort = useSignal<{ key: string; descending: boolean } | null>(null);
  const page = useSignal(0);
  const column = columns.find(({ key }) => key === sort.value?.key);
  const sorted = column ? sortRows(rows, column, sort.value?.descending ?? false) : rows;
  const pages = Math.max(1, Math.ceil(rows.length / pageSize));
  const shownPage = Math.min(page.value, pages - 1);
  const toggle = (key: string) => {
    sort.value = { key, descending: sort.value?.key === key && !sort.value.descending };
    page.value = 0;
  };
  return (
    <>
      <ScrollRegion label={caption}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map(({ key, title, numeric }) => (
                <th key={key} scope="col" class={numeric ? 'number' : undefined} aria-sort={ariaSort(sort.value, key)}>
                  <button type="button" class="sort" onClick={() => toggle(key)}>
                    {title}
                    <span aria-hidden="true">
                      {sort.value?.key === key ? (sort.value.descending ? ' ▼' : ' ▲') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.slice(shownPage * pageSize, (shownPage + 1) * pageSize).map((row) => (
              <tr key={rowKey(row)}>
                {columns.map(({ key, numeric, show }) => (
                  <td key={key} class={numeric ? 'number' : undefined}>
                    {show(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      {pages > 1 && (
        <nav class="pages" aria-label={`Pages of ${caption}`}>
          <button type="button" disabled={shownPage === 0} onClick={() => (page.value = shownPage - 1)}>
            Previous
          </button>
          <span>
            Page {shownPage + 1} of {pages}
          </span>
          <button type="button" disabled={shownPage === pages - 1} onClick={() => (page.value = shownPage + 1)}>
            Next
          </button>
        </nav>
      )}
    </>
  );
}

function ariaSort(sort: { key: string; descending: boolean } | null, key: string) {
  if (sort?.key !== key) return 'none';
  return sort.descending ? 'descending' : 'ascending';
}

function sortRows<Row>(rows: readonly Row[], { sortBy }: Column<Row>, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((first, second) => {
    const a = sortBy(first);
    const b = sortBy(second);
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
  });
}
