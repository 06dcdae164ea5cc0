/** The command line as a shell sees it: output, exit codes, sentences. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { coordinatorIn, smallStudy, startAgentProcess, untilOnline } from '../../whole-path/support/system.ts';

const BIN = join(import.meta.dirname, '../../../coordinator/bin/edgetune.js');

const edgetune = (...flags: string[]) => runProgram(process.execPath, [BIN, ...flags]);

describe('edgetune', () => {
  it('has help with examples for every command', async () => {
    for (const command of [[], ['serve'], ['device', 'add'], ['study', 'run'], ['study', 'export']]) {
      const { code, out } = await edgetune(...command, '--help');
      assert.equal(code, 0, command.join(' '));
      assert.match(out, /Example|First steps/, command.join(' '));
    }
  });

  it('tells wrong usage, an absent coordinator and a missing file apart', async () => {
    assert.equal((await edgetune('stduy')).code, 2);
    const away = await edgetune('device', 'list', '--server', 'http://127.0.0.1:9');
    assert.equal(away.code, 3);
    assert.match(away.err, /no coordinator answers at http:\/\/127.0.0.1:9: start one with "edgetune serve"/);
    assert.equal((await edgetune('study', 'run', '/nowhere.yaml')).code, 2);
    const open = await edgetune('serve', '--host', '0.0.0.0');
    assert.equal(open.code, 2);
    assert.match(open.err, /set an admin token/);
  });

  it('runs a study from a file, lists, shows and exports it', async (t) => {
    const folder = temporaryFolder(t, {
      'good.yaml': smallStudy(['pi']),
      'bad.yaml': 'name: bad\ndevices: [pi]\ndataset: {format: idx}\n',
    });
    const coordinator = await coordinatorIn(t, folder);
    const server = ['--server', coordinator.url];
    const added = JSON.parse((await edgetune('device', 'add', 'pi', '--json', ...server)).out) as { token: string };
    startAgentProcess(t, {
      server: coordinator.url,
      token: added.token,
      folder,
      name: 'pi',
      flags: ['--simulate', 'raspberry-pi-5'],
    });
    await untilOnline(coordinator, 'pi');
    assert.match((await edgetune('device', 'list', ...server)).out, /pi\s+online\s+Raspberry Pi 5.*SIMULATED/);

    const bad = await edgetune('study', 'run', join(folder, 'bad.yaml'), ...server);
    assert.equal(bad.code, 2);
    assert.match(bad.err, /line 3: dataset.path/);

    const run = await edgetune('study', 'run', join(folder, 'good.yaml'), ...server);
    assert.equal(run.code, 0, run.err);
    assert.match(run.out, /trial {3}0 {2}rung 0 accuracy/);
    assert.match(run.out, /Recommended: trial \d, test accuracy .* on synthetic data/);
    assert.match(run.out, /SIMULATED/);
    const [listed] = JSON.parse((await edgetune('study', 'list', '--json', ...server)).out) as {
      name: string;
      state: string;
    }[];
    assert.deepEqual([listed?.name, listed?.state], ['small', 'succeeded']);
    const out = join(folder, 'result');
    const exported = await edgetune('study', 'export', 'small', '--out', out, ...server);
    assert.match(exported.out, /model-1-trial-\d\/model.onnx/);
    const detail = JSON.parse((await edgetune('study', 'show', 'small', '--json', ...server)).out) as StudyDetail;
    const front = detail.trialViews.flatMap(({ trialId, onFront }) => (onFront ? [trialId] : []));
    const named = (text: string) => /On the Pareto front: (.*)\./.exec(text)?.[1]?.match(/\d+/g)?.map(Number);
    assert.ok(front.length > 0);
    assert.deepEqual([named(run.out), named(readFileSync(join(out, 'report.md'), 'utf8'))], [front, front]);
    assert.equal((await edgetune('study', 'resume', 'small', ...server)).code, 1);
    assert.equal((await edgetune('device', 'rename', 'pi', 'attic', ...server)).code, 0);
    assert.equal((await edgetune('device', 'remove', 'attic', ...server)).code, 0);
  });
});
