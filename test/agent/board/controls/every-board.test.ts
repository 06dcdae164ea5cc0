/** The contract of all controls on every recorded board: it is left as it was found, whichever step fails. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { boardSetup, NotSettableError, offeredClocksKHz, withControls } from '../../../../agent/board/board-setup.ts';
import { HostError } from '../../../../agent/board/host.ts';
import { BOARDS, FixtureHost } from '../../../support/fixture-host.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const contents = (host: FixtureHost) =>
  Object.fromEntries([...host.files].map(([path, content]) => [path, String(content).trim()]));

for (const name of BOARDS) {
  describe(name, () => {
    it('is left as it was found after each clock that it offers, and after steady clocks', async (t) => {
      const host = FixtureHost.of(name);
      const found = contents(host);
      const dataDirectory = temporaryFolder(t);
      const store = join(dataDirectory, 'jetson-clocks.conf');
      host.commands.set(`jetson_clocks --store ${store}`, '').set(`jetson_clocks --restore ${store}`, '');
      const setup = boardSetup({ host, dataDirectory });
      for (const clock of offeredClocksKHz(setup)) {
        let worked = false;
        await withControls(setup, clock, async () => {
          worked = true;
        });
        assert.ok(worked);
        assert.deepEqual(contents(host), found);
      }
      const steady = withControls({ ...setup, steadyClocks: true }, null, async () => {});
      await steady.catch((error) => assert.ok(error instanceof NotSettableError));
      assert.deepEqual(contents(host), found);
      assert.ok(!existsSync(join(dataDirectory, 'board-controls.json')));
    });

    it('is left as it was found when any one write fails', async (t) => {
      const dataDirectory = temporaryFolder(t);
      const [clock] = offeredClocksKHz(boardSetup({ host: FixtureHost.of(name), dataDirectory })).slice(-1);
      if (clock === undefined) return;
      const writes = await countWrites(name, clock, dataDirectory);
      for (let failing = 1; failing <= writes; failing++) {
        const host = FixtureHost.of(name);
        const found = contents(host);
        let count = 0;
        const write = host.write.bind(host);
        host.write = (path, text) => {
          if (++count === failing) throw new HostError('failed', `${path}: EBUSY`);
          write(path, text);
        };
        const work = withControls(boardSetup({ host, dataDirectory }), clock, async () => {});
        // A write that sets back is tried again; one that sets is refused.
        await work.catch((error) => assert.ok(error instanceof NotSettableError, String(error)));
        assert.deepEqual(contents(host), found, `write ${failing} of ${writes}`);
        assert.ok(!existsSync(join(dataDirectory, 'board-controls.json')));
      }
    });
  });
}

async function countWrites(name: (typeof BOARDS)[number], clockKHz: number, dataDirectory: string): Promise<number> {
  const host = FixtureHost.of(name);
  await withControls(boardSetup({ host, dataDirectory }), clockKHz, async () => {});
  return host.log.filter((line) => line.includes(' = ')).length;
}
