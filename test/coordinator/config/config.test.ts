import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  ConfigError,
  type ConfigInput,
  environmentName,
  isLoopback,
  loadConfig,
} from '../../../coordinator/config/config.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('settings', () => {
  it('flags go over the environment, that over the file, that over the defaults', (t) => {
    const dataDir = temporaryFolder(t, { 'edgetune.yaml': 'port: 1001\nmqttPort: 1002\ntrainingCores: 3\n' });
    const config = loadConfig({ port: '3001' }, { EDGETUNE_DATA_DIR: dataDir, EDGETUNE_MQTT_PORT: '2002' });
    assert.deepEqual([config.port, config.mqttPort, config.trainingCores, config.host], [3001, 2002, 3, '127.0.0.1']);
  });

  it('of the log are checked wherever they are given', (t) => {
    const dataDir = temporaryFolder(t, { 'edgetune.yaml': 'logLevel: error\nlogFormat: json\n' });
    const of = (flags: ConfigInput, environment = {}) => {
      const { logLevel, logFormat } = loadConfig({ dataDir, ...flags }, environment);
      return [logLevel, logFormat];
    };
    assert.deepEqual(of({}), ['error', 'json']);
    assert.deepEqual(of({}, { EDGETUNE_LOG_LEVEL: 'debug' }), ['debug', 'json']);
    assert.deepEqual(of({ logLevel: 'warn', logFormat: 'text' }, { EDGETUNE_LOG_LEVEL: 'debug' }), ['warn', 'text']);
    assert.throws(() => of({ logLevel: 'loud' }), /logLevel: must be one of error, warn, info, debug/);
    assert.throws(() => of({}, { EDGETUNE_LOG_FORMAT: 'xml' }), /logFormat: must be one of text, json/);
  });

  it('lists every mistake at once', (t) => {
    const file = join(temporaryFolder(t, { 'c.yaml': 'prot: 1\nport: 99999\nbrokerUrl: "http://x"\n' }), 'c.yaml');
    assert.throws(
      () => loadConfig({ trainingCores: '0' }, {}, file),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        for (const mistake of [
          /unknown setting prot: there are dataDir, host, port/,
          /port: /,
          /brokerUrl: /,
          /trainingCores: /,
        ])
          assert.match(error.message, mistake);
        return true;
      },
    );
  });

  it('takes only numbers for numbers', (t) => {
    for (const port of ['', ' ', 'http', null, true, [80], 1.5, -1])
      assert.throws(() => loadConfig({ port }, {}), /port: /, String(port));
    const file = join(temporaryFolder(t, { 'c.yaml': 'port:\n' }), 'c.yaml');
    assert.throws(() => loadConfig({}, {}, file), /port: /);
    assert.equal(loadConfig({ port: '0' }, {}).port, 0);
  });

  it('is never open to the network without an admin token', () => {
    assert.throws(() => loadConfig({ host: '0.0.0.0' }, {}), /can be reached from other machines: set an admin token/);
    assert.throws(() => loadConfig({ host: '0.0.0.0', adminToken: 'short' }, {}), /at least 16 characters/);
    assert.equal(loadConfig({ host: '0.0.0.0', adminToken: 'x'.repeat(16) }, {}).host, '0.0.0.0');
    assert.deepEqual(['localhost', '::1', '127.3.2.1', '192.168.0.1', '0.0.0.0'].map(isLoopback), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('names a file that is missing or is no settings', (t) => {
    assert.throws(() => loadConfig({}, {}, '/nowhere.yaml'), /\/nowhere.yaml does not exist/);
    const file = join(temporaryFolder(t, { 'c.yaml': '- a\n- list\n' }), 'c.yaml');
    assert.throws(() => loadConfig({}, {}, file), /expected settings by name/);
    assert.equal(environmentName('blobQuotaBytes'), 'EDGETUNE_BLOB_QUOTA_BYTES');
  });

  it('says where a file cannot be read, is bounded, and shows none of its secrets', (t) => {
    const deep = `port: ${'['.repeat(20_000)}`;
    const folder = temporaryFolder(t, { 'a.yaml': 'port: 80\nadminToken: "0123456789abcdef0\n', 'b.yaml': deep });
    const refused = (name: string) => {
      try {
        loadConfig({}, {}, join(folder, name));
      } catch (error) {
        return (error as Error).message;
      }
      return 'read';
    };
    assert.match(refused('a.yaml'), /a\.yaml cannot be read:\n {2}line 2, column 13: a closing " is missing$/);
    assert.match(refused('b.yaml'), /line 1, column \d+: this is nested more than 50 levels deep/);
    assert.match(refused('.'), /cannot be read: EISDIR/);
  });
});
