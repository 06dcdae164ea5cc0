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
import { createTunerService } from './ask-tell/tuner-service.ts';
import { createBenchService } from './bench/create-bench-service.ts';
import { createCalibrationService } from './bench/create-calibration-service.ts';
import { connectBroker } from './broker/connect-broker.ts';
import { startBroker } from './broker/embedded-broker.ts';
import { type Config, isLoopback } from './config/config.ts';
import { loadTls } from './config/tls.ts';
import { CALIBRATION_POOL } from './export/calibration-pool.ts';
import { createAgentRelease } from './fleet/agent-release.ts';
import { createFleet, type ManagedFleet } from './fleet/create-fleet.ts';
import { createHostLease } from './fleet/host-lease.ts';
import { createInferenceServer } from './inference/create-inference-server.ts';
import { PARTS, type Parts } from './parts.ts';
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
export async function startCoordinator({
  config,
  log,
  parts = PARTS,
  stopRule,
  ...options
}: CoordinatorOptions): Promise<Coordinator> {
  const distDirectory = options.distDirectory ?? fileURLToPath(new URL('dist', packageFolder(import.meta.url, './')));
  const agentTarball = join(distDirectory, 'agent.tgz');
  const agentRelease = createAgentRelease({ tarball: agentTarball, directory: join(config.dataDir, 'install') });
  // The name under which other machines reach this one; none where it listens on loopback.
  const anyAddress = config.host === '0.0.0.0';
  const reachableAs = isLoopback(config.host) ? undefined : anyAddress ? hostname() : config.host;
  const ownNames = [
    hostname().toLowerCase(),
    config.host,
    ...(config.publicUrl ? [new URL(config.publicUrl).hostname] : []),
  ];
  // What was started is ended again in reverse order, also when a later part fails to start.
  const closers: (() => void | Promise<void>)[] = [];
  const closeAll = async () => {
    for (const closer of closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        // The store comes last: what waits to be written is written also where another part ends badly.
        log.error('a part of the coordinator did not end as it should', { error });
      }
    }
  };
  let closing: Promise<void> | null = null;
  // Who asks again waits for the same end.
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  try {
    const store = openStore(config.dataDir, {
      blobQuotaBytes: config.blobQuotaBytes,
      log: log.child({ part: 'store' }),
    });
    closers.push(() => store.close());
    // The store has the data directory to itself: no other coordinator makes a key there meanwhile.
    const tls = loadTls(config, ['localhost', '127.0.0.1', '::1', ...ownNames]);
    const training = createTrainingService({ log: log.child({ part: 'training' }) });
    closers.push(() => training.close());
    const hostLease = createHostLease(() => training.pause());

    let fleet: ManagedFleet | null = null;
    const embedded = config.brokerUrl
      ? null
      : await startBroker({
          host: config.host,
          port: config.mqttPort,
          ...(tls ? { tls } : {}),
          log: log.child({ part: 'broker' }),
          hasDevice: (id) => fleet?.hasDevice(id) ?? false,
          verifyCredential: (id, credential) => fleet?.verifyCredential(id, credential) ?? false,
        });
    if (embedded) closers.push(() => embedded.close());
    const managed = createFleet({
      devices: store.devices,
      jobs: store.jobs,
      hostLease,
      machineId: machineId(),
      log: log.child({ part: 'fleet' }),
      onMeasurement: (measurement) => store.measurements.save(measurement),
      agentRelease,
      ...(embedded ? { disconnect: (id: string) => embedded.disconnect(id) } : {}),
    });
    fleet = managed;
    const mqtt = await connectBroker(
      embedded ? { url: embedded.url, ...embedded.coordinator } : { url: config.brokerUrl as string },
      log.child({ part: 'broker' }),
    );
    closers.push(() => void mqtt.end(true));
    await managed.start(mqtt);
    closers.push(() => managed.stop());

    const spans = createSpanBus();
    hostLease.onPause(({ startMs, endMs }) =>
      spans.publish({ studyId: null, lane: 'paused for measuring', kind: 'paused', trialId: null, startMs, endMs }),
    );
    const inference = createInferenceServer({
      measure: measureWithSpans(managed, spans),
      history: store.measurements,
      blobs: store.blobs,
      ...(stopRule ? { stopRule } : {}),
    });
    const bench = createBenchService({
      inference,
      device: (name) => managed.device(name),
      benches: store.benches,
      quantise: (onnx, dimensions) => training.quantiseWithoutData(onnx, dimensions),
      blobs: store.blobs,
      log: log.child({ part: 'bench' }),
    });
    closers.push(() => bench.close());
    const calibrations = createCalibrationService({
      inference,
      device: (name) => managed.device(name),
      blobs: store.blobs,
      pool: CALIBRATION_POOL,
      log: log.child({ part: 'calibration' }),
    });
    closers.push(() => calibrations.close());
    const studies = createStudyService({
      studies: store.studies,
      blobs: store.blobs,
      training,
      inference,
      fleet: managed,
      otherBlobsInUse: () => [...bench.blobsInUse(), ...calibrations.blobsInUse()],
      cores: createCorePool(config.trainingCores),
      analyse: (onnx) => analyseModel(onnx, { batchSize: 1, dimensions: {} }),
      spans,
      parts,
      log: log.child({ part: 'study' }),
    });
    closers.push(() => studies.close());

    const app = createApi({
      version: VERSION,
      parts,
      fleet: managed,
      studies,
      bench,
      tuners: createTunerService(store.tuners, { parts }),
      calibrations,
      blobs: store.blobs,
      hostNames: ownNames,
      adminToken: config.adminToken,
      publicUrl: config.publicUrl,
      reachableAs,
      tlsPin: tls?.pin,
      brokerFor: (hostHeader) =>
        config.brokerUrl
          ? { mqttUrl: withoutLogin(config.brokerUrl), mqttSharesKey: false }
          : {
              mqttUrl: `${tls ? 'mqtts' : 'mqtt'}://${new URL(`http://${hostHeader}`).hostname}:${embedded?.port ?? config.mqttPort}`,
              mqttSharesKey: tls !== null,
            },
      dashboardDirectory: join(distDirectory, 'dashboard'),
      agentTarball,
      agentRelease,
      installScript: join(distDirectory, 'install.sh'),
      log: log.child({ part: 'api' }),
    });
    const served = await serveApi(app, config, tls);
    closers.push(() => served.close());
    embedded?.attachWebSocket(served.server);
    studies.start();
    bench.resume();
    const url = `${tls ? 'https' : 'http'}://${reachableAs ?? 'localhost'}:${served.port}`;
    return { url, tlsPin: tls?.pin ?? null, fleet: managed, studies, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The coordinator's own user name and password on a broker are not for the agents. */
function withoutLogin(brokerUrl: string): string {
  const url = new URL(brokerUrl);
  url.username = '';
  url.password = '';
  return url.href;
}
