/** What `edgetune-agent doctor` says of recorded boards. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type BoardOptions, boardSetup } from '../../../agent/board/board-setup.ts';
import { parsePlugAddress } from '../../../agent/board/power/plug-address.ts';
import { probeBoard } from '../../../agent/board/probe-board.ts';
import { boardFindings } from '../../../agent/doctor/board-findings.ts';
import { pythonInterpreter, sideCarScript } from '../../../agent/runners/python/side-car.ts';
import { BOARDS, type BoardName, FixtureHost } from '../../support/fixture-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function findings(t: TestContext, name: BoardName, change: BoardOptions = {}) {
  const setup = boardSetup({ host: FixtureHost.of(name), dataDirectory: temporaryFolder(t), ...change });
  return boardFindings(setup);
}

const of = (all: Awaited<ReturnType<typeof findings>>, what: string) => all.find((finding) => finding.what === what);

describe('what the doctor says of a board', () => {
  it('a Raspberry Pi 5: its meter with a reading, and the clocks', async (t) => {
    const all = await findings(t, 'raspberry-pi-5');
    assert.equal(of(all, 'power')?.detail, 'Raspberry Pi 5 PMIC: the board, now 3.13 W');
    assert.equal(of(all, 'clocks')?.detail, '10 can be set, 1.5 GHz to 2.4 GHz');
    assert.equal(of(all, 'warnings')?.detail, 'the board tells when it is throttled or under-voltage');
    assert.ok(all.every(({ state }) => state === 'good'));
  });

  it('a Jetson: its power modes and jetson_clocks', async (t) => {
    const all = await findings(t, 'jetson-orin-nano');
    assert.equal(of(all, 'power mode')?.detail, '15W; --power-mode also takes 7W');
    assert.equal(of(all, 'steady clocks')?.detail, 'by jetson_clocks (--steady-clocks)');
  });

  it('a laptop: what its meter does not see, and that it needs long windows', async (t) => {
    const all = await findings(t, 'x86-laptop');
    assert.equal(of(all, 'power')?.detail, 'battery: the board, windows of 10 s or more, now 8.55 W');
    const nuc = of(await findings(t, 'x86-nuc'), 'power');
    assert.equal(nuc?.detail, 'RAPL (processor): the processor only, not the board');
  });

  it('a plug that does not answer is bad: the user counts on it', async (t) => {
    const all = await findings(t, 'raspberry-pi-4', { plug: parsePlugAddress('shelly://192.168.1.40') });
    assert.equal(of(all, 'power')?.state, 'bad');
    assert.match(of(all, 'power')?.detail ?? '', /ECONNREFUSED/);
  });

  it('a Python that prints something of its own: the board is described without it, and why is said', async (t) => {
    const host = FixtureHost.of('raspberry-pi-4');
    const answer = JSON.stringify({ version: '1.22.0', providers: ['cpu'] });
    const line = [pythonInterpreter(), '-B', sideCarScript(), '--probe'].join(' ');
    const runners = (all: Awaited<ReturnType<typeof findings>>) =>
      all.filter(({ what }) => what === 'runner').map(({ detail }) => detail.split(' ')[0]);
    host.commands.set(line, answer);
    assert.ok(runners(await findings(t, 'raspberry-pi-4', { host })).includes('onnxruntime-python'));
    for (const printed of [`Hello from sitecustomize\n${answer}`, '', '{}']) {
      host.commands.set(line, printed);
      const all = await findings(t, 'raspberry-pi-4', { host });
      assert.ok(!runners(all).includes('onnxruntime-python'));
      assert.match(of(all, 'measuring with onnxruntime-python')?.detail ?? '', /prints something of its own/);
    }
  });

  it('looks at the board once', async (t) => {
    const host = FixtureHost.of('jetson-orin-nano');
    await probeBoard(host);
    const runs = () => host.log.filter((line) => line.startsWith('nvpmodel')).length;
    const once = runs();
    assert.ok(once > 0);
    await findings(t, 'jetson-orin-nano', { host });
    assert.equal(runs(), 2 * once);
  });

  it('whatever is missing comes with a remedy', async (t) => {
    for (const name of BOARDS)
      for (const { state, what, detail, remedy } of await findings(t, name)) {
        assert.ok(detail.length > 0, what);
        if (state !== 'good') assert.ok((remedy ?? '').length > 0, `${name}: ${what}`);
      }
    const all = await findings(t, 'raspberry-pi-3b-plus');
    assert.match(of(all, 'memory limits')?.remedy ?? '', /cgroup_enable=memory/);
  });
});
