/** Whether the agent itself works here: its runtime, its disk, its coordinator. */
import { statfsSync } from 'node:fs';
import { sharedCredentialCure, sharedCredentialText } from '@edgetune/shared/domain/shared-credential.ts';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import { savedEnrolment } from '../enrolment/enrolment.ts';
import { TAKE_KEY } from '../enrolment/trust.ts';
import { OTHER_COORDINATOR_CURE, whoAnswers } from '../enrolment/who-answers.ts';
import { localStatus } from '../session/local-status.ts';
import { sharedCredentialNote } from '../session/shared-credential.ts';
import { outdatedScripts, reinstallLine } from '../update/installed-scripts.ts';
import { selfTest } from '../update/self-test.ts';
import { Versions } from '../update/versions.ts';
import { AGENT_VERSION } from '../version.ts';
import { bad, type Finding, good, missing } from './finding.ts';

/** Below this a model of common size and an update no longer fit. */
const LEAST_FREE_BYTES = 500e6;

export async function installationFindings(dataDirectory: string): Promise<Finding[]> {
  return [
    await runtime(),
    disk(dataDirectory),
    await coordinator(dataDirectory),
    await agent(dataDirectory),
    ...credential(dataDirectory),
    ...update(dataDirectory),
    ...scripts(dataDirectory),
  ];
}

async function runtime(): Promise<Finding> {
  try {
    await selfTest();
    return good('ONNX Runtime', `runs a model (agent ${AGENT_VERSION}, Node.js ${process.versions.node})`);
  } catch (error) {
    return bad(
      'ONNX Runtime',
      (error as Error).message,
      'install the agent again with the line of "edgetune device add NAME"',
    );
  }
}

function disk(dataDirectory: string): Finding {
  try {
    const { bavail, bsize } = statfsSync(dataDirectory);
    const free = `${Math.round((bavail * bsize) / 1e6)} MB free for ${dataDirectory}`;
    return bavail * bsize >= LEAST_FREE_BYTES
      ? good('disk', free)
      : missing('disk', free, `make room: models and updates need ${LEAST_FREE_BYTES / 1e6} MB`);
  } catch {
    return missing('disk', `${dataDirectory} does not exist yet`, 'it is made when the board joins a fleet');
  }
}

async function coordinator(dataDirectory: string): Promise<Finding> {
  const enrolment = savedEnrolment(dataDirectory);
  if (!enrolment)
    return missing(
      'fleet',
      'this board has not joined one',
      'paste the line of "edgetune device add NAME" on this board',
    );
  const joined = `"${enrolment.name}" of the coordinator at ${enrolment.server}`;
  try {
    const { status, other } = await whoAnswers(enrolment);
    if (other !== null)
      return bad(
        'fleet',
        `${joined} (${enrolment.coordinator?.id}), and another coordinator (${other}) answers there`,
        OTHER_COORDINATOR_CURE,
      );
    if (status === 200) return good('fleet', `${joined}, which answers`);
    return missing('fleet', `${joined}, which answers HTTP ${status}`, 'is it the same coordinator?');
  } catch (error) {
    if (error instanceof WrongKeyError)
      return bad('fleet', error.message, 'paste the line of "edgetune device add NAME --renew" on this board');
    return missing('fleet', `${joined}, which cannot be reached`, 'is it running, and does this board have a network?');
  }
}

async function agent(dataDirectory: string): Promise<Finding> {
  const status = await localStatus(dataDirectory);
  if (!status) return missing('agent', 'not running', 'sudo systemctl start edgetune-agent, or edgetune-agent run');
  if (!status.connected) return missing('agent', 'runs, but is not connected', 'journalctl -u edgetune-agent says why');
  return good('agent', `runs and is online (version ${status.version})`);
}

function credential(dataDirectory: string): Finding[] {
  const note = sharedCredentialNote(dataDirectory);
  if (!note) return [];
  const what = sharedCredentialText(note.name, note);
  const cure = sharedCredentialCure(note.name);
  return [note.isRefused ? bad('credential', `${what}: this board`, cure) : missing('credential', what, cure)];
}

function scripts(dataDirectory: string): Finding[] {
  const versions = Versions.ofThisInstallation();
  const enrolment = savedEnrolment(dataDirectory);
  const outdated = versions ? outdatedScripts(versions) : [];
  if (outdated.length === 0) return [];
  return [
    missing(
      'scripts',
      `of another version than the agent: ${outdated.join(', ')} (an update leaves to root what is root's)`,
      enrolment && `install again, which keeps everything: ${reinstallLine(enrolment)}`,
    ),
  ];
}

function update(dataDirectory: string): Finding[] {
  const versions = Versions.ofThisInstallation();
  if (!versions) return [];
  const failed = versions.failed();
  const enrolment = savedEnrolment(dataDirectory);
  return [
    ...(failed
      ? [missing('update', `to ${failed.release} failed: ${failed.reason}`, 'the previous version goes on')]
      : []),
    ...(enrolment && !enrolment.coordinator
      ? [
          missing(
            'update',
            'refused: this board joined before updates were signed, and has no key to check them',
            TAKE_KEY,
          ),
        ]
      : []),
  ];
}
