import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { it } from 'node:test';
import { pythonFolders } from '../../../agent/runners/python/python-folders.ts';
import { FixtureHost } from '../../support/fixture-host.ts';

it('a Python’s packages are looked for beside it, where the system has them, and where the user has', () => {
  const host = new FixtureHost({
    files: {
      '/venv/lib/python3.11/site-packages/numpy/version.py': '',
      '/usr/lib/python3/dist-packages/apt.py': '',
      '/usr/lib/python2.7/os.py': '',
      [`${homedir()}/.local/lib/python3.12/site-packages/x.py`]: '',
    },
  });
  host.modified.set('/venv/bin/python', 1);
  assert.deepEqual(pythonFolders(host, '/venv/bin/python'), [
    '/venv/bin/python',
    '/venv/lib/python3.11/site-packages',
    '/venv/lib/python3.11/dist-packages',
    '/usr/lib/python3/site-packages',
    '/usr/lib/python3/dist-packages',
    `${homedir()}/.local/lib/python3.12/site-packages`,
    `${homedir()}/.local/lib/python3.12/dist-packages`,
  ]);
});

it('where there is no Python, it is looked for whether one has come', (t) => {
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/a:/b';
  const host = new FixtureHost();
  assert.deepEqual(pythonFolders(host, 'python3'), ['/a/python3', '/b/python3']);
  host.modified.set('/b/python3', 1);
  assert.deepEqual(pythonFolders(host, 'python3'), ['/b/python3']);
});
