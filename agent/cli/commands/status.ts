/** `edgetune-agent status`: which fleet this board belongs to, and whether its agent is at work. Exit code 0: online. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { savedEnrolment } from '../../enrolment/enrolment.ts';
import { type LocalStatus, localStatus } from '../../session/local-status.ts';
import { Versions } from '../../update/versions.ts';
import { AGENT_VERSION } from '../../version.ts';
import { withDataDirectory } from '../data-directory.ts';

const EXIT_NOT_ONLINE = 1;

export function registerStatus(program: Command): void {
  withDataDirectory(program.command('status'))
    .description('Which fleet this board belongs to, whether it is online, and what it does. Exit code 0: online.')
    .option('--json', 'print JSON')
    .action(async ({ dataDir, json }: { dataDir: string; json?: boolean }) => {
      const dataDirectory = resolve(dataDir);
      const agent = await localStatus(dataDirectory);
      const enrolment = savedEnrolment(dataDirectory);
      const failure = Versions.ofThisInstallation()?.failed() ?? null;
      if (json) {
        const { credential: _, ...visible } = enrolment ?? { credential: null };
        console.log(
          JSON.stringify(
            { enrolment: enrolment ? visible : null, agent, installedVersion: AGENT_VERSION, failedUpdate: failure },
            null,
            2,
          ),
        );
      } else {
        console.log(
          enrolment
            ? `fleet    joined ${enrolment.server} as "${enrolment.name}" (${enrolment.deviceId})`
            : 'fleet    this board has not joined one: run "edgetune device add NAME" on the coordinator and paste its line here',
        );
        console.log(`agent    ${describeAgent(agent)}`);
        console.log(`version  ${agent?.version ?? AGENT_VERSION}`);
        if (agent) console.log(`job      ${describeJobs(agent.jobs)}`);
        if (failure) console.log(`update   to ${failure.release} failed: ${failure.reason}`);
      }
      if (!agent?.connected) process.exitCode = EXIT_NOT_ONLINE;
    });
}

function describeAgent(agent: LocalStatus | null): string {
  if (!agent) return 'not running';
  const since = `process ${agent.pid}, since ${agent.startedAt}`;
  return agent.connected ? `online (${since})` : `running, but not connected to the coordinator (${since})`;
}

function describeJobs([current, ...waiting]: string[]): string {
  if (current === undefined) return 'none';
  return waiting.length === 0 ? current : `${current}; ${waiting.length} more waiting`;
}
