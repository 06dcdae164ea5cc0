/** When an invalid measurement is made again, how long the board is given, and what makes one invalid. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeConditions, mostOtherLoadCores, type Verdict } from '../../../agent/measure/judge-conditions.ts';
import { HOST_RETRY_RULES, RETRY_RULES, type RetryContext, untilValid } from '../../../agent/measure/retry.ts';
import { UNKNOWN_CONDITIONS } from '../../support/conditions.ts';
import { FixtureHost } from '../../support/fixture-host.ts';

const TEMPERATURE = '/sys/class/thermal/thermal_zone0/temp';
const hot: Verdict = { cause: 'throttled', reason: 'throttled' };
const disturbed: Verdict = { cause: 'disturbed', reason: 'disturbed' };

/** Plays verdicts one after another and tells how often and how long. */
async function play(host: FixtureHost, verdicts: (Verdict | null)[], change: Partial<RetryContext> = {}) {
  let progress = 0;
  const startMs = host.now;
  let made = 0;
  const result = await untilValid(async () => ({ verdict: verdicts[made++] ?? null }), {
    host,
    rules: { ...RETRY_RULES, mostOtherLoadCores: 0.4 },
    signal: new AbortController().signal,
    onProgress: () => void progress++,
    ...change,
  });
  return { ...result, seconds: (host.now - startMs) / 1000, progress };
}

describe('a measurement', () => {
  it('that is valid is made once, without a wait', async () => {
    const { attempts, seconds, verdict } = await play(FixtureHost.of('raspberry-pi-5'), [null]);
    assert.deepEqual([attempts, seconds, verdict], [1, 0, null]);
  });

  it('that was throttled waits until the board is nearly as cool as it began', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    // 47.4 °C at first; heated to 80 °C by the measurement, it loses 1 °C a second: at 50 °C it is near enough.
    let heatedAtMs: number | null = null;
    host.files.set(TEMPERATURE, () =>
      heatedAtMs === null ? '47400\n' : String(Math.max(47_400, 80_000 - (host.now - heatedAtMs))),
    );
    let made = 0;
    const once = async () => {
      heatedAtMs = host.now;
      return { verdict: made++ === 0 ? hot : null };
    };
    const startMs = host.now;
    const rules = { ...RETRY_RULES, mostOtherLoadCores: 0.4 };
    const { attempts } = await untilValid(once, {
      host,
      rules,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    assert.deepEqual([attempts, host.now - startMs], [2, 30_000]);
  });

  it('on a board that stays hot waits a minute, says every second that it is alive, and is made three times', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    let looks = 0;
    host.files.set(TEMPERATURE, () => (looks++ === 0 ? '50000\n' : '80000\n'));
    const { attempts, seconds, progress, verdict } = await play(host, [hot, hot, hot]);
    assert.deepEqual([attempts, seconds, progress, verdict], [3, 120, 120, hot]);
  });

  it('on a board that does not tell its temperature waits ten seconds', async () => {
    const { attempts, seconds } = await play(new FixtureHost(), [hot, null]);
    assert.deepEqual([attempts, seconds], [2, 10]);
  });

  it('that was disturbed waits until others are quiet', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    // Two cores are busy until five seconds from now, none after that (100 ticks a second).
    const untilMs = host.now + 5000;
    host.files.set('/proc/stat', () => `cpu ${Math.round(Math.min(host.now, untilMs) * 0.2)} 0 0 0 0 0 0 0 0 0\n`);
    const { attempts, seconds } = await play(host, [disturbed, null]);
    assert.deepEqual([attempts, seconds], [2, 6]);
  });

  it('on a machine that is never quiet waits twenty seconds each time', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    host.files.set('/proc/stat', () => `cpu ${Math.round(host.now * 0.2)} 0 0 0 0 0 0 0 0 0\n`);
    const { attempts, seconds, verdict } = await play(host, [disturbed, disturbed, disturbed]);
    assert.deepEqual([attempts, seconds, verdict], [3, 40, disturbed]);
  });

  it('on the coordinator’s own machine waits a second', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    host.files.set('/proc/stat', () => `cpu ${Math.round(host.now * 0.2)} 0 0 0 0 0 0 0 0 0\n`);
    const rules = { ...HOST_RETRY_RULES, mostOtherLoadCores: 0.4 };
    const { attempts, seconds, progress } = await play(host, [disturbed, hot, null], { rules });
    assert.deepEqual([attempts, seconds, progress], [3, 2, 2]);
  });

  it('that is cancelled meanwhile ends at once', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('no longer wanted'));
    await assert.rejects(
      play(new FixtureHost(), [hot, null], { signal: controller.signal, onProgress }),
      /no longer wanted/,
    );
  });
});

describe('conditions', () => {
  const judge = (change: object, mostOtherLoad = 0.4, windowMs = 1e6) =>
    judgeConditions({ ...UNKNOWN_CONDITIONS, ...change }, { mostOtherLoad, logicalCores: 4, windowMs });

  it('that are unknown or good speak against nothing', () => {
    assert.equal(judge({}), null);
    assert.equal(judge({ throttled: false, underVoltage: false, otherLoadCores: 0.4 }), null);
  });

  it('that are bad make it invalid, the cause first', () => {
    const warnings = ['the supply fell below 4.63 V'];
    assert.deepEqual(judge({ underVoltage: true, throttled: true, warnings }), {
      cause: 'under-voltage',
      reason: 'under-voltage: the supply fell below 4.63 V',
    });
    assert.equal(judge({ throttled: true, warnings: ['too hot'] })?.reason, 'throttled: too hot');
    assert.match(judge({ otherLoadCores: 0.5 })?.reason ?? '', /kept 0.50 cores busy \(0.40 are tolerated\)/);
    assert.equal(judge({ otherLoadCores: 3 }, Number.POSITIVE_INFINITY), null);
  });

  it('are not finer than the kernel’s ticks: in 100 ms four cores may seem busy by 0.8', () => {
    assert.equal(judge({ otherLoadCores: 1.1 }, 0.4, 100), null);
    assert.equal(judge({ otherLoadCores: 1.3 }, 0.4, 100)?.cause, 'disturbed');
  });

  it('tolerate a quarter of a core, or a tenth of all', () => {
    assert.deepEqual([1, 2, 4, 8].map(mostOtherLoadCores), [0.25, 0.25, 0.4, 0.8]);
  });
});
