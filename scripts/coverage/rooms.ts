/** Coverage by folder: a row for people, the lines for whoever goes to close a gap. */
import type { CoverageMap } from 'istanbul-lib-coverage';
import type { BenchRow } from '../bench/support.ts';

export interface FileGaps {
  file: string;
  linesPercent: number;
  branchesPercent: number;
  uncoveredLines: number[];
  /** Lines of the decisions of which a way was never taken. */
  uncoveredBranchLines: number[];
}

export interface RoomCoverage {
  folder: string;
  files: number;
  lines: { covered: number; total: number };
  branches: { covered: number; total: number };
  gaps: FileGaps[];
}

/** @param folder its files are those of the map whose path begins with it */
export function roomCoverage(map: CoverageMap, folder: string): RoomCoverage {
  const files = map.files().filter((file) => file.startsWith(`${folder}/`));
  const room: RoomCoverage = {
    folder,
    files: files.length,
    lines: { covered: 0, total: 0 },
    branches: { covered: 0, total: 0 },
    gaps: [],
  };
  for (const file of files.sort()) {
    const coverage = map.fileCoverageFor(file);
    const { lines, branches } = coverage.toSummary().data;
    for (const [sum, part] of [[room.lines, lines] as const, [room.branches, branches] as const]) {
      sum.covered += part.covered;
      sum.total += part.total;
    }
    const open = Object.entries(coverage.b).filter(([, counts]) => counts.includes(0));
    const gaps = {
      file,
      linesPercent: percent(lines),
      branchesPercent: percent(branches),
      uncoveredLines: coverage.getUncoveredLines().map(Number),
      uncoveredBranchLines: [...new Set(open.map(([id]) => coverage.branchMap[id]?.loc.start.line ?? 0))],
    };
    if (gaps.uncoveredLines.length + gaps.uncoveredBranchLines.length > 0) room.gaps.push(gaps);
  }
  return room;
}

/** Of what there is; all of nothing is 100 %. */
export const percent = ({ covered, total }: { covered: number; total: number }): number =>
  total === 0 ? 100 : Math.round((1000 * covered) / total) / 10;

export const roomRow = ({ folder, files, lines, branches }: RoomCoverage): BenchRow => ({
  folder,
  files,
  lines: lines.total,
  'lines %': percent(lines).toFixed(1),
  branches: branches.total,
  'branches %': percent(branches).toFixed(1),
});
