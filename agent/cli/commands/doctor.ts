/** `edgetune-agent doctor`: what this board can measure and control, what is missing, and how to get it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { boardSetup } from '../../board/board-setup.ts';
import { boardFindings } from '../../doctor/board-findings.ts';
import type { Finding } from '../../doctor/finding.ts';
import { installationFindings } from '../../doctor/installation-findings.ts';
import { boardOptionsOf, withPlugOption } from '../board-options.ts';
import { withDataDirectory } from '../data-directory.ts';

const MARKS = { good: '✓', missing: '–', bad: '✗' } as const;
const EXIT_BAD = 1;

export function registerDoctor(program: Command): void {
  withPlugOption(withDataDirectory(program.command('doctor')))
    .description('What this board can measure and control, what is missing, and how to get it.')
    .option('--json', 'print JSON')
    .action(async ({ dataDir, json, ...options }: { dataDir: string; json?: boolean }) => {
      const dataDirectory = resolve(dataDir);
      const setup = boardSetup({ ...boardOptionsOf(options), dataDirectory });
      const findings = [...(await installationFindings(dataDirectory)), ...(await boardFindings(setup))];
      console.log(json ? JSON.stringify(findings, null, 2) : findings.map(line).join('\n'));
      if (findings.some(({ state }) => state === 'bad')) process.exitCode = EXIT_BAD;
    });
}

function line({ what, state, detail, remedy }: Finding): string {
  return `${MARKS[state]} ${what}: ${detail}${remedy ? `\n    → ${remedy}` : ''}`;
}
