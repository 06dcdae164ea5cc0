/** The shell scripts: free of shellcheck's complaints, and plain about systems that cannot run the agent. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Versions } from '../../../agent/update/versions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { hasTool } from '../../support/tools.ts';

const folder = join(import.meta.dirname, '../../../agent/install');

it('the scripts are free of complaints', (t) => {
  if (!hasTool('shellcheck')) return t.skip('shellcheck is not installed');
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.sh'));
  const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', ...scripts], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
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
    // As it is in the repository it has a pin, and no address yet.
    'a pinned key without https': [board('aarch64', '64', 'glibc 2.36'), /encrypts: .* must begin with https/],
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

it('install.sh says that a token is used up where what it was exchanged for is taken back', (t) => {
  const place = temporaryFolder(t, { 'data/enrolment.json': '{}' });
  const functions = readFileSync(join(folder, 'install.sh'), 'utf8').replace(/^main "\$@".*$/m, '');
  const after = (...settings: string[]) =>
    spawnSync('sh', ['-s'], {
      input: [functions, `data=${place}/data`, ...settings, 'undo'].join('\n'),
      encoding: 'utf8',
      timeout: 60_000,
    }).stderr;
  assert.doesNotMatch(after('used_token=yes'), /token is used up/, 'the credential stays: the same line again works');
  assert.deepEqual(readdirSync(place), ['data']);
  assert.match(after('used_token=yes', 'made_data=yes'), /board is as it was\.\nThe token is used up/);
  assert.deepEqual(readdirSync(place), []);
  assert.doesNotMatch(after('made_data=yes'), /token is used up/);
});

it('the agent is granted the files that it writes, and no others', () => {
  const granted = readFileSync(join(folder, 'grant-controls.sh'), 'utf8').match(/scaling_\w+/g);
  assert.deepEqual(granted, ['scaling_governor', 'scaling_min_freq', 'scaling_max_freq']);
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
  const { status } = spawnSync('sh', [join(home, 'bin/edgetune-agent.sh'), 'run'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 3, 'that of the agent');
  assert.deepEqual(readdirSync(join(home, 'versions')), ['0.2.0', 'current']);
});

/** A launcher with two versions, of which the newer is on trial and does this. */
function onTrial(t: TestContext, newer: string) {
  const home = temporaryFolder(t, {
    'bin/edgetune-agent.sh': readFileSync(join(folder, 'edgetune-agent.sh'), 'utf8'),
    'bin/node': `#!/bin/sh\ncd "$EDGETUNE_AGENT_VERSIONS"\ncase $(readlink current) in 0.2.0) ${newer} ;; *) exit 3 ;; esac\n`,
    'versions/0.1.0/package.json': '{}',
    'versions/0.2.0/package.json': '{}',
    'versions/trial': '0.2.0\n',
  });
  chmodSync(join(home, 'bin/node'), 0o755);
  symlinkSync('0.2.0', join(home, 'versions/current'));
  symlinkSync('0.1.0', join(home, 'versions/previous'));
  const { status } = spawnSync('sh', [join(home, 'bin/edgetune-agent.sh'), 'run'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 3, 'that of the previous version');
  return new Versions(join(home, 'versions'));
}

it('a version on trial that crashed has failed; one that could not connect is left, and has not', (t) => {
  const crashed = onTrial(t, 'exit 1').failed();
  assert.equal(crashed?.release, '0.2.0');
  assert.match(crashed?.reason ?? '', /ended before it had connected/);
  assert.equal(onTrial(t, ': >trial.reason; exit 1').failed(), null);
  assert.equal(onTrial(t, 'echo "no, 3 times" >trial.reason; exit 1').failed()?.reason, 'no, 3 times');
});

/** As on a board that has these commands. */
function runOn(place: string, ...args: string[]) {
  chmodSync(join(place, 'bin/uname'), 0o755);
  chmodSync(join(place, 'bin/getconf'), 0o755);
  return spawnSync('sh', [join(folder, 'install.sh'), ...args], {
    env: { ...process.env, PATH: `${join(place, 'bin')}:${process.env.PATH}` },
    encoding: 'utf8',
    timeout: 60_000,
  });
}
