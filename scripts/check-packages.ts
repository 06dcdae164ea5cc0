/**
 * `npm run check:packages`, after a build: installs the packed coordinator and agent into an empty folder, as a user
 * would from npm, and runs a small study with them on a simulated board.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addDeviceResponseSchema, studyDetailSchema } from '@edgetune/shared/protocol/http.ts';
import { smallStudy } from '../test/whole-path/support/system.ts';
import { pack } from './build/agent-package.ts';
import { ROOT } from './build/bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgetune-packages-'));
const children: ChildProcess[] = [];

function install(): void {
  const coordinator = join(folder, 'edgetune.tgz');
  pack(join(ROOT, 'coordinator'), coordinator);
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  execFileSync(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', coordinator, join(ROOT, 'coordinator/dist/agent.tgz')],
    {
      cwd: folder,
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

const program = (name: string) => join(folder, 'node_modules/.bin', name);
/** Outside the checkout, so that nothing is found in it. */
const here = { cwd: folder, encoding: 'utf8' } as const;

/** @returns the coordinator's address */
function startCoordinator(): Promise<string> {
  const flags = ['serve', '--data-dir', join(folder, 'data'), '--port', '0', '--mqtt-port', '0'];
  const child = spawn(program('edgetune'), flags, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const url = /EdgeTune is at (\S+)/.exec(output)?.[1];
      if (url) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the packed coordinator ended with code ${code}: ${output}`)));
  });
}

function startAgent(server: string): void {
  const added = execFileSync(program('edgetune'), ['device', 'add', 'pi', '--server', server, '--json'], here);
  const { token } = addDeviceResponseSchema.parse(JSON.parse(added));
  const flags = [
    'run',
    '--server',
    server,
    '--token',
    token,
    '--data-dir',
    join(folder, 'pi'),
    '--simulate',
    'raspberry-pi-5',
  ];
  children.push(spawn(program('edgetune-agent'), flags, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }));
}

try {
  console.log('installing the packed coordinator and agent into an empty folder');
  install();
  const server = await startCoordinator();
  startAgent(server);
  for (const path of ['/', '/install.sh', '/agent.tgz', '/api/openapi.json']) {
    const { status } = await fetch(new URL(path, server));
    if (status !== 200) throw new Error(`the packed coordinator answers ${status} to GET ${path}`);
  }
  writeFileSync(join(folder, 'study.yaml'), smallStudy(['pi']));
  const study = studyDetailSchema.parse(
    JSON.parse(execFileSync(program('edgetune'), ['study', 'run', 'study.yaml', '--server', server, '--json'], here)),
  );
  const devices = study.recommendation?.models.flatMap((model) => model.devices.map(({ device }) => device));
  if (study.state !== 'succeeded' || !devices?.includes('pi'))
    throw new Error(`the study ended as ${study.state} (${study.reason}) without a recommendation for its device`);
  console.log('the packed coordinator and agent ran a study to its recommendation');
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
