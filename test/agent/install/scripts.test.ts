/** The shell scripts: free of shellcheck's complaints, and plain about systems that cannot run the agent. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { hasTool } from '../../support/tools.ts';

const folder = join(import.meta.dirname, '../../../agent/install');

it('the scripts are free of complaints', (t) => {
  if (!hasTool('shellcheck')) return t.skip('shellcheck is not installed');
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.sh'));
  const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', ...scripts], { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

describe('install.sh refuses', () => {
  const board = (machine: string, bits: string, libc: string | null) => ({
    'bin/uname': `#!/bin/sh\necho ${machine}\n`,
    'bin/getconf': `#!/bin/sh\ncase $1 in LONG_BIT) echo ${bits} ;; *) ${libc ? `echo ${libc}` : 'exit 1'} ;; esac\n`,
  });
  const refusals = {
    'a 32-bit kernel': [board('armv7l', '32', 'glibc 2.36'), /architecture is armv7l.*no 32-bit build/],
    'a 32-bit system on a 64-bit kernel': [board('aarch64', '32', 'glibc 2.36'), /Raspberry Pi OS 64-bit/],
    musl: [board('x86_64', '64', null), /no glibc/],
    'the original Jetson Nano': [board('aarch64', '64', 'glibc 2.27'), /glibc 2\.27.*original Jetson Nano/],
    'glibc 1': [board('aarch64', '64', 'glibc 1.99'), /glibc 1\.99/],
  } as const;
  for (const [name, [files, message]] of Object.entries(refusals))
    it(name, (t) => {
      const { status, stderr } = runOn(temporaryFolder(t, files));
      assert.equal(status, 1);
      assert.match(stderr, message);
    });

  it('arguments that it does not know, or that have no value', (t) => {
    const place = temporaryFolder(t, board('aarch64', '64', 'glibc 2.36'));
    assert.match(runOn(place, '--nmae', 'x').stderr, /unknown argument --nmae/);
    assert.match(runOn(place, '--token').stderr, /--token needs a value/);
  });

  it('to run without root', (t) => {
    if (process.getuid?.() === 0) return t.skip('the tests run as root');
    const { stderr } = runOn(temporaryFolder(t, board('x86_64', '64', 'glibc 2.28')));
    assert.match(stderr, /must run as root/);
  });
});

it('after a power cut that left no name of a version on trial, the current version goes on', (t) => {
  const home = temporaryFolder(t, {
    'bin/edgetune-agent.sh': readFileSync(join(folder, 'edgetune-agent.sh'), 'utf8'),
    'bin/node': '#!/bin/sh\nexit 3\n',
    'versions/0.2.0/package.json': '{}',
    'versions/trial': '',
    'versions/trial.started': '',
  });
  chmodSync(join(home, 'bin/node'), 0o755);
  symlinkSync('0.2.0', join(home, 'versions/current'));
  const { status } = spawnSync('sh', [join(home, 'bin/edgetune-agent.sh'), 'run'], { encoding: 'utf8' });
  assert.equal(status, 3, 'that of the agent');
  assert.deepEqual(readdirSync(join(home, 'versions')), ['0.2.0', 'current']);
});

/** As on a board that has these commands. */
function runOn(place: string, ...args: string[]) {
  chmodSync(join(place, 'bin/uname'), 0o755);
  chmodSync(join(place, 'bin/getconf'), 0o755);
  return spawnSync('sh', [join(folder, 'install.sh'), ...args], {
    env: { ...process.env, PATH: `${join(place, 'bin')}:${process.env.PATH}` },
    encoding: 'utf8',
  });
}
