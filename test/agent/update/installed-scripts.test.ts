/** What an update leaves to root is compared with what the version brings. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { outdatedScripts, reinstallLine } from '../../../agent/update/installed-scripts.ts';
import { Versions } from '../../../agent/update/versions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('names the scripts and the unit that are not as the current version brings them', (t) => {
  const home = temporaryFolder(t);
  const versions = new Versions(join(home, 'versions'));
  const brought = join(home, 'versions/2.0.0/install');
  for (const folder of [brought, join(home, 'bin'), join(home, 'systemd')]) mkdirSync(folder, { recursive: true });
  symlinkSync('2.0.0', join(home, 'versions/current'));
  const outdated = () => outdatedScripts(versions, join(home, 'systemd'));
  assert.deepEqual(outdated(), [], 'nothing to compare');
  for (const name of ['edgetune-agent.sh', 'uninstall.sh', 'grant-controls.sh', 'edgetune-agent.service']) {
    writeFileSync(join(brought, name), `${name} of 2.0.0`);
    const folder = name.endsWith('.service') ? 'systemd' : 'bin';
    writeFileSync(join(home, folder, name), `${name} of 2.0.0`);
  }
  assert.deepEqual(outdated(), []);
  writeFileSync(join(home, 'bin/edgetune-agent.sh'), 'of 1.0.0');
  writeFileSync(join(home, 'systemd/edgetune-agent.service'), 'of 1.0.0');
  assert.deepEqual(outdated(), ['edgetune-agent.sh', 'edgetune-agent.service']);
});

it('gives the line that installs them, believing the pinned key where there is one', () => {
  assert.equal(
    reinstallLine({ server: 'http://10.0.0.1:8080' }),
    'curl -fsSL http://10.0.0.1:8080/install.sh | sudo sh',
  );
  const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
  assert.equal(
    reinstallLine({ server: 'https://10.0.0.1:8080', pin }),
    `curl -fsSk --pinnedpubkey '${pin}' https://10.0.0.1:8080/install.sh | sudo sh`,
  );
});
