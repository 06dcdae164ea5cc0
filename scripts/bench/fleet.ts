/**
 * How much the coordinator's fleet carries: 500 agents (bare MQTT clients in a process of their own, which answer at
 * once) on the embedded broker and the durable store, everything on this machine.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import { connectBroker } from '../../coordinator/broker/connect-broker.ts';
import { startBroker } from '../../coordinator/broker/embedded-broker.ts';
import { loadIdentity } from '../../coordinator/config/identity.ts';
import { createFleet, type ManagedFleet } from '../../coordinator/fleet/create-fleet.ts';
import { openStore } from '../../coordinator/store/store.ts';
import { boardDescription, measureRequest } from '../../test/support/fleet.ts';
import { type BenchTable, report } from './support.ts';

const AGENTS_URL = new URL('./fleet-agents.ts', import.meta.url);

export interface AgentLogin {
  deviceId: string;
  credential: string;
}

/** Connects the agents, then sends `jobsPerAgent` jobs to each and waits for all results. */
export async function benchFleet({ agents = 500, jobsPerAgent = 10 } = {}): Promise<BenchTable> {
  const directory = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  const store = openStore(directory);
  let connected = true;
  const log = plainLogger((message) => connected && console.error(message));
  let fleet: ManagedFleet | null = null;
  const broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    hasDevice: (id) => fleet?.hasDevice(id) ?? false,
    verifyCredential: (id, credential) => fleet?.verifyCredential(id, credential) ?? false,
    log,
  });
  fleet = createFleet({
    devices: store.devices,
    jobs: store.jobs,
    hostLease: { acquire: async () => () => {} },
    identity: loadIdentity(directory),
    machineId: 'bench',
    log,
    onMeasurement: (measurement) => store.measurements.save(measurement),
  });
  const client = await connectBroker({ url: broker.url, ...broker.coordinator }, log);
  await fleet.start(client);
  const logins = await addDevices(fleet, agents);
  const child = fork(AGENTS_URL, { execArgv: execArgvFor(AGENTS_URL) });
  try {
    const connectS = await seconds(() => connectAgents(fleet, child, broker.url, logins));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const jobs = agents * jobsPerAgent;
    const jobsS = await seconds(() => runJobs(fleet, logins, jobsPerAgent));
    delay.disable();
    return {
      title: `Fleet: ${agents} agents, ${jobs} jobs, each with 3 reports, acknowledged after they were stored`,
      rows: [
        { what: 'agents joined and online', value: agents / connectS, unit: 'agents/s' },
        { what: 'jobs from request to result', value: jobs / jobsS, unit: 'jobs/s' },
        { what: 'MQTT messages in and out', value: (jobs * 7) / jobsS, unit: 'messages/s' },
        { what: 'event loop delay, 99th percentile', value: delay.percentile(99) / 1e6, unit: 'ms' },
        { what: 'coordinator, resident memory', value: process.memoryUsage().rss / 1e6, unit: 'MB' },
      ],
    };
  } finally {
    connected = false;
    child.kill();
    await fleet.stop();
    client.end(true);
    await broker.close();
    store.close();
    rmSync(directory, { recursive: true });
  }
}

function addDevices(fleet: ManagedFleet, count: number): Promise<AgentLogin[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { token } = await fleet.addDevice(`agent-${index}`);
      return fleet.enroll({ token, board: boardDescription() });
    }),
  );
}

async function connectAgents(
  fleet: ManagedFleet,
  child: ChildProcess,
  url: string,
  logins: AgentLogin[],
): Promise<void> {
  const missing = new Set(logins.map(({ deviceId }) => deviceId));
  const allOnline = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the agents' process ended with ${code}`)));
    fleet.subscribe((change) => {
      if (change.type === 'device' && change.device.presence !== 'offline') missing.delete(change.device.id);
      if (missing.size === 0) resolve();
    });
  });
  await once(child, 'message');
  child.send({ url, logins });
  await allOnline;
}

async function runJobs(fleet: ManagedFleet, logins: AgentLogin[], jobsPerAgent: number): Promise<void> {
  const ask = (deviceId: string) =>
    fleet.measure(deviceId, measureRequest(), { studyId: 'bench', signal: new AbortController().signal });
  const all = logins.flatMap(({ deviceId }) => Array.from({ length: jobsPerAgent }, () => ask(deviceId)));
  await Promise.all(all);
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) report([await benchFleet()]);
