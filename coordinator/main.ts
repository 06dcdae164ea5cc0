/** Puts the coordinator together: the only place that knows every part. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { packageFolder } from '@edgetune/shared/runtime/child-module.ts';
import { machineId } from '@edgetune/shared/runtime/machine-id.ts';
import { createApi } from './api/create-api.ts';
import { serveApi } from './api/serve-api.ts';
import { createThreadedHost } from './ask-tell/threaded-host.ts';
import { createTunerService, DEFAULT_LEASE_S } from './ask-tell/tuner-service.ts';
import { createBenchService } from './bench/create-bench-service.ts';
import { createCalibrationService } from './bench/create-calibration-service.ts';
import { connectBroker } from './broker/connect-broker.ts';
import { startBroker } from './broker/embedded-broker.ts';
import { quietLog } from './broker/quiet-log.ts';
import { type Config, isLoopback } from './config/config.ts';
import { loadIdentity } from './config/identity.ts';
import { loadTls } from './config/tls.ts';
import { CALIBRATION_POOL } from './export/calibration-pool.ts';
import { createAgentRelease } from './fleet/agent-release.ts';
import { systemClock } from './fleet/clock.ts';
import { createFleet, type ManagedFleet } from './fleet/create-fleet.ts';
import { createHostLease } from './fleet/host-lease.ts';
import { createInferenceServer } from './inference/create-inference-server.ts';
import { createModelInspector } from './inference/inspector/model-inspector.ts';
import { PARTS, type Parts, partsOn } from './parts.ts';
import { openStore } from './store/store.ts';
import { createStudyService } from './study/create-study-service.ts';
import { createSpanBus, measureWithSpans } from './study/span-bus.ts';
import { createCorePool } from './training/core-pool.ts';
import { createTrainingService } from './training/create-training-service.ts';
import { VERSION } from './version.ts';

export interface CoordinatorOptions {
  config: Config;
  log: Logger;
  /** What studies may name; absent: all that there is. */
  parts?: Parts;
  /** How long each inference config is measured; absent: the protocol's defaults. */
  stopRule?: Partial<StopRule>;
  /** Folder of what was built: dashboard, packed agent, install script. Absent: this package's own. */
  distDirectory?: string;
}

export interface Coordinator {
  /** Base URL of the API and the dashboard, for this machine. */
  url: string;
  /** Public key by which clients may know it; null: it does not encrypt. */
  tlsPin: string | null;
  fleet: ManagedFleet;
  studies: ReturnType<typeof createStudyService>;
  close(): Promise<void>;
}

/** @throws {Error} that says what is in the way: a port in use, a data directory in use, a broker that cannot be reached */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const whole = { ...options, parts: options.parts ?? PARTS };
  const started = new Started(options.log);
  try {
    const host = await startHost(whole, started);
    const devices = await startFleet(whole, host, started);
    const services = startServices(whole, host, devices, started);
    const { url } = await startApi(whole, { ...host, ...devices, ...services }, started);
    services.studies.start();
    services.bench.resume();
    const { fleet } = devices;
    return { url, tlsPin: host.tls?.pin ?? null, fleet, studies: services.studies, close: () => started.close() };
  } catch (error) {
    await started.close();
    throw error;
  }
}

type WholeOptions = CoordinatorOptions & { parts: Parts };
type Host = Awaited<ReturnType<typeof startHost>>;
type Devices = Awaited<ReturnType<typeof startFleet>>;
type Services = ReturnType<typeof startServices>;

/** What was started is ended again in reverse order, also when a later part fails to start. */
class Started {
  readonly #log: Logger;
  readonly #closers: (() => void | Promise<void>)[] = [];
  #closing: Promise<void> | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What ends what has just been started. */
  endBy(closer: () => void | Promise<void>): void {
    this.#closers.push(closer);
  }

  /** Who asks again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        // The store comes last: what waits to be written is written also where another part ends badly.
        this.#log.error('a part of the coordinator did not end as it should', { error });
      }
    }
  }
}

/** What of this machine it uses: the data directory, a key, the cores for training. */
async function startHost({ config, log }: WholeOptions, started: Started) {
  const store = openStore(config.dataDir, { blobQuotaBytes: config.blobQuotaBytes, log: log.child({ part: 'store' }) });
  started.endBy(() => store.close());
  const ownNames = [
    hostname().toLowerCase(),
    config.host,
    ...(config.publicUrl ? [new URL(config.publicUrl).hostname] : []),
  ];
  // The store has the data directory to itself: no other coordinator makes a key there meanwhile.
  const tls = loadTls(config, ['localhost', '127.0.0.1', '::1', ...ownNames]);
  const identity = loadIdentity(config.dataDir);
  const training = createTrainingService({
    log: log.child({ part: 'training' }),
    samplesFolder: join(config.dataDir, 'samples'),
  });
  started.endBy(() => training.close());
  return { store, tls, identity, training, ownNames, hostLease: createHostLease(() => training.pause()) };
}

/** The devices, over a broker of its own or another one. */
async function startFleet(
  { config, log, distDirectory }: WholeOptions,
  { store, tls, identity, hostLease }: Host,
  started: Started,
) {
  const built = builtFiles(distDirectory);
  const agentRelease = createAgentRelease({ tarball: built.agentTarball, directory: join(config.dataDir, 'install') });
  let known: ManagedFleet | null = null;
  const embedded = config.brokerUrl
    ? null
    : await startBroker({
        host: config.host,
        port: config.mqttPort,
        strangersPerAddress: config.strangersPerAddress,
        ...(tls ? { tls } : {}),
        log: log.child({ part: 'broker' }),
        hasDevice: (id) => known?.hasDevice(id) ?? false,
        verifyCredential: (id, credential) => known?.verifyCredential(id, credential) ?? false,
        onStranger: (id) => known?.heardStranger(id),
      });
  if (embedded) started.endBy(() => embedded.close());
  const fleet = createFleet({
    devices: store.devices,
    jobs: store.jobs,
    hostLease,
    identity,
    isEncrypted: tls !== null && embedded !== null,
    machineId: machineId(),
    log: log.child({ part: 'fleet' }),
    onMeasurement: (measurement) => store.measurements.save(measurement),
    agentRelease,
    ...(embedded ? { disconnect: (id: string) => embedded.disconnect(id) } : {}),
  });
  known = fleet;
  const mqtt = await connectBroker(
    embedded ? { url: embedded.url, ...embedded.coordinator } : { url: config.brokerUrl as string },
    log.child({ part: 'broker' }),
  );
  started.endBy(() => void mqtt.end(true));
  await fleet.start(mqtt);
  started.endBy(() => fleet.stop());
  return { fleet, embedded, agentRelease };
}

/** What people ask of it: studies, benches, calibrations, tuners. */
function startServices(
  { config, log, parts, stopRule }: WholeOptions,
  { store, training, hostLease }: Host,
  { fleet }: Devices,
  started: Started,
) {
  const spans = createSpanBus((error) => log.error('what was busy when could not be told', { error }));
  hostLease.onPause(({ startMs, endMs }) =>
    spans.publish({ studyId: null, lane: 'paused for measuring', kind: 'paused', trialId: null, startMs, endMs }),
  );
  const inspector = createModelInspector();
  started.endBy(() => inspector.close());
  const inference = createInferenceServer({
    inspector,
    measure: measureWithSpans(fleet, spans),
    described: (deviceId) => fleet.described(deviceId),
    history: store.measurements,
    blobs: store.blobs,
    ...(stopRule ? { stopRule } : {}),
  });
  const device = (name: string) => fleet.device(name);
  const bench = createBenchService({
    inference,
    inspector,
    device,
    benches: store.benches,
    troubles: store.troubles,
    quantise: (onnx, dimensions) => training.quantiseWithoutData(onnx, dimensions),
    blobs: store.blobs,
    log: log.child({ part: 'bench' }),
  });
  started.endBy(() => bench.close());
  const calibrations = createCalibrationService({
    inference,
    device,
    blobs: store.blobs,
    pool: CALIBRATION_POOL,
    log: log.child({ part: 'calibration' }),
  });
  started.endBy(() => calibrations.close());
  const studies = createStudyService({
    studies: store.studies,
    blobs: store.blobs,
    training,
    inference,
    fleet,
    otherBlobsInUse: () => [...bench.blobsInUse(), ...calibrations.blobsInUse()],
    cores: createCorePool(config.trainingCores),
    analyse: (onnx) => analyseModel(onnx, { batchSize: 1, dimensions: {} }),
    clock: systemClock,
    spans,
    parts: partsOn(config.trainingCores, parts),
    troubles: store.troubles,
    log: log.child({ part: 'study' }),
  });
  started.endBy(() => studies.close());
  // A thread knows the parts that there are; others are functions, which cannot be sent to it.
  const tunerHost = parts === PARTS ? createThreadedHost({ leaseS: DEFAULT_LEASE_S }) : undefined;
  if (tunerHost) started.endBy(() => tunerHost.close());
  const tuners = createTunerService(store.tuners, { parts, ...(tunerHost ? { host: tunerHost } : {}) });
  return { bench, calibrations, studies, tuners };
}

/** The HTTP API and the dashboard, when all that they ask is there. */
async function startApi(
  { config, log, parts, distDirectory }: WholeOptions,
  { store, tls, identity, training, ownNames, fleet, embedded, agentRelease, ...services }: Host & Devices & Services,
  started: Started,
): Promise<{ url: string }> {
  // The name under which other machines reach this one; none where it listens on loopback.
  const anyAddress = config.host === '0.0.0.0';
  const reachableAs = isLoopback(config.host) ? undefined : anyAddress ? hostname() : config.host;
  const { studies, bench, tuners, calibrations } = services;
  const app = createApi({
    version: VERSION,
    parts: partsOn(config.trainingCores, parts),
    fleet,
    studies,
    bench,
    tuners,
    calibrations,
    lookAtDataset: (dataset, takes) => training.lookAt(dataset, takes),
    blobs: store.blobs,
    hostNames: ownNames,
    adminToken: config.adminToken,
    publicUrl: config.publicUrl,
    reachableAs,
    tlsPin: tls?.pin,
    identity,
    brokerFor: (hostHeader) =>
      config.brokerUrl
        ? { mqttUrl: withoutLogin(config.brokerUrl), mqttSharesKey: false }
        : {
            mqttUrl: `${tls ? 'mqtts' : 'mqtt'}://${new URL(`http://${hostHeader}`).hostname}:${embedded?.port ?? config.mqttPort}`,
            mqttSharesKey: tls !== null,
          },
    ...builtFiles(distDirectory),
    agentRelease,
    // Who asks again and again while the disk is full does not fill it with lines.
    log: quietLog(log.child({ part: 'api' })),
  });
  const onError = (error: Error) => log.error('the HTTP server has a fault', { error });
  const served = await serveApi(app, { ...config, onError }, tls);
  started.endBy(() => served.close());
  embedded?.attachWebSocket(served.server);
  return { url: `${tls ? 'https' : 'http'}://${reachableAs ?? 'localhost'}:${served.port}` };
}

/** Dashboard, packed agent and install script. */
function builtFiles(distDirectory = fileURLToPath(new URL('dist', packageFolder(import.meta.url, './')))) {
  return {
    dashboardDirectory: join(distDirectory, 'dashboard'),
    agentTarball: join(distDirectory, 'agent.tgz'),
    installScript: join(distDirectory, 'install.sh'),
  };
}

/** The coordinator's own user name and password on a broker are not for the agents. */
function withoutLogin(brokerUrl: string): string {
  const url = new URL(brokerUrl);
  url.username = '';
  url.password = '';
  return url.href;
}
