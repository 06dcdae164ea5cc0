/** Two real agents with one credential, as after a card was copied, on a real broker: who measures, and what both say. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { installationFindings } from '../../../agent/doctor/installation-findings.ts';
import { localStatus } from '../../../agent/session/local-status.ts';
import { sharedCredentialNote } from '../../../agent/session/shared-credential.ts';
import { startAgent } from '../../../agent/session/start-agent.ts';
import {
  boardDescription,
  measurementFor,
  measureOn,
  measureOptions,
  measureRequest,
  startFleet,
  untilFleet,
  untilPresence,
} from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/waiting.ts';

const request = measureRequest();
const PI_5 = boardDescription({ hardware: 'serial A' });
const PI_4 = boardDescription({ model: 'Raspberry Pi 4 Model B Rev 1.4', hardware: 'serial B' });

async function agentIn(t: TestContext, dataDirectory: string, board: BoardDescription) {
  const log: string[] = [];
  const agent = await startAgent({
    ...{ server: '', dataDirectory, log: plainLogger((line) => log.push(line)) },
    board: {
      describe: async () => board,
      async measure(asked, { mayBegin }) {
        await mayBegin?.();
        return measurementFor(asked);
      },
    },
  });
  t.after(() => agent.stop());
  return { agent, log };
}

it('the second is refused by name and stands back, the first goes on measuring, and both say so', async (t) => {
  t.mock.method(Math, 'random', () => 0);
  const under = await startFleet(t);
  const { fleet, broker } = under;
  const { token } = await fleet.addDevice('kitchen-pi');
  const joined = await fleet.enroll({ token, board: PI_5 });
  const enrolment = { ...joined, mqttUrl: broker.url, server: 'http://127.0.0.1:9' };
  const card = temporaryFolder(t, { 'enrolment.json': JSON.stringify(enrolment) });
  mkdirSync(join(card, 'models'));
  writeFileSync(join(card, 'models', `${request.modelSha256}.onnx`), Buffer.alloc(request.modelBytes));
  const copy = temporaryFolder(t);
  cpSync(card, copy, { recursive: true });

  const first = await agentIn(t, card, PI_5);
  await untilPresence(fleet, 'kitchen-pi', 'online');
  const second = await agentIn(t, copy, PI_4);
  await until('the second to be told', () => sharedCredentialNote(copy)?.isRefused === true);
  await until('the first to be told', () => sharedCredentialNote(card)?.isRefused === false);
  await untilFleet(fleet, 'the first to be there again', () => fleet.device('kitchen-pi')?.presence === 'online');

  const { deviceClass } = await measureOn(fleet, joined.deviceId, request, measureOptions());
  assert.equal(deviceClass, fleet.device('kitchen-pi')?.deviceClass);
  assert.deepEqual(fleet.device('kitchen-pi')?.board, PI_5);
  const what =
    'two boards use the credential of kitchen-pi: Raspberry Pi 5 Model B Rev 1.0, serial A (first) and Raspberry Pi 4 Model B Rev 1.4, serial B, which is refused';
  const says = (log: readonly string[], text: string) => log.some((line) => line.startsWith(text));
  assert.ok(says(first.log, `${what}. This board is the first, and goes on. To mend it, join the second`));
  assert.ok(says(second.log, `${what}: this is that one. It stands back, and tries again in 5 minutes. To mend it,`));
  assert.ok(says(under.log, `${what}. To mend it, join the second under a name of its own`));
  assert.ok(!second.log.some((line) => line.includes('cannot be reached')), second.log.join('\n'));
  assert.equal((await localStatus(copy))?.connected, false);
  assert.equal((await localStatus(card))?.connected, true);
  assert.equal(second.log.filter((line) => line.startsWith('connected to')).length, 1, 'it does not come back at once');

  const finding = async (folder: string) =>
    (await installationFindings(folder)).find((each) => each.what === 'credential');
  assert.deepEqual(
    [await finding(card), await finding(copy)].map((found) => [found?.state, found?.detail]),
    [
      ['missing', what],
      ['bad', `${what}: this board`],
    ],
  );
});
