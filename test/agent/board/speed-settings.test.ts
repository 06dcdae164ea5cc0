import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeOfSettings, firmwareSettings, speedSettings } from '../../../agent/board/speed-settings.ts';
import { FixtureHost } from '../../support/fixture-host.ts';

const CPU = '/sys/devices/system/cpu';

describe('what decides the speed of a board', () => {
  it('is told by group of cores: governor and limits; groups that are set alike together', () => {
    const host = FixtureHost.of('jetson-agx-orin');
    assert.deepEqual(speedSettings(host), ['cores 0,4,8: schedutil, 115.2 to 2201.6 MHz']);
    host.files.set(`${CPU}/cpufreq/policy4/scaling_max_freq`, '1190400');
    host.files.set(`${CPU}/cpufreq/policy8/scaling_governor`, 'performance');
    assert.deepEqual(speedSettings(host), [
      'cores 0: schedutil, 115.2 to 2201.6 MHz',
      'cores 4: schedutil, 115.2 to 1190.4 MHz',
      'cores 8: performance, 115.2 to 2201.6 MHz',
    ]);
  });

  it('is told of the GPU: limits in Hz, and governor', () => {
    const gpu = '/sys/class/devfreq/17000000.ga10b';
    const files = {
      [`${gpu}/min_freq`]: '306000000',
      [`${gpu}/max_freq`]: '1300500000',
      [`${gpu}/governor`]: 'podgov',
    };
    assert.deepEqual(speedSettings(new FixtureHost({ files })), ['GPU: podgov, 306 to 1300.5 MHz']);
  });

  it('is turbo where it is off, by either driver, the preference of the processor, and the profile of the firmware', () => {
    const of = (files: Record<string, string>) => speedSettings(new FixtureHost({ files }));
    assert.deepEqual(of({ [`${CPU}/intel_pstate/no_turbo`]: '1' }), ['turbo off']);
    assert.deepEqual(of({ [`${CPU}/cpufreq/boost`]: '0' }), ['turbo off']);
    assert.deepEqual(of({ [`${CPU}/intel_pstate/no_turbo`]: '0', [`${CPU}/cpufreq/boost`]: '1' }), []);
    assert.deepEqual(of({ '/sys/firmware/acpi/platform_profile': 'low-power\n' }), ['platform profile low-power']);
    const policy = `${CPU}/cpufreq/policy12`;
    assert.deepEqual(
      of({ [`${policy}/scaling_governor`]: 'powersave', [`${policy}/energy_performance_preference`]: 'balance_power' }),
      ['cores 12: powersave, prefers balance_power'],
    );
  });

  it('is how a Raspberry Pi is overclocked, by its firmware’s word; nothing of the rest of config.txt', async () => {
    const host = FixtureHost.of('raspberry-pi-5');
    assert.deepEqual(await firmwareSettings(host), []);
    host.commands.set(
      'vcgencmd get_config int',
      'arm_64bit=1\nover_voltage_delta=50000\narm_freq=2800\narm_freq_min=1500\nforce_turbo=1\ndisplay_hdmi_rotate=-1\n',
    );
    assert.deepEqual(await firmwareSettings(host), [
      'firmware arm_freq=2800',
      'firmware arm_freq_min=1500',
      'firmware force_turbo=1',
      'firmware over_voltage_delta=50000',
    ]);
  });
});

describe('a change', () => {
  it('is told in words, and what only a restart changes is not asked for', () => {
    const said = ['cores 0: ondemand, 600 to 1800 MHz', 'firmware arm_freq=2000'];
    assert.equal(changeOfSettings(said, ['cores 0: ondemand, 600 to 1800 MHz'], false), null);
    assert.equal(
      changeOfSettings(said, ['cores 0: ondemand, 600 to 1500 MHz'], false),
      'cores 0: ondemand, 600 to 1800 MHz → cores 0: ondemand, 600 to 1500 MHz',
    );
    assert.equal(changeOfSettings(said, [], false), 'cores 0: ondemand, 600 to 1800 MHz → nothing set');
    assert.equal(changeOfSettings([], ['turbo off'], false), 'nothing set → turbo off');
  });

  it('of the cores’ clocks is none where the measurement has set them; of the GPU it is', () => {
    const said = ['cores 0: ondemand, 600 to 1800 MHz', 'GPU: 300 to 1300 MHz'];
    assert.equal(changeOfSettings(said, ['cores 0: ondemand, 900 to 900 MHz', 'GPU: 300 to 1300 MHz'], true), null);
    assert.equal(
      changeOfSettings(said, ['cores 0: ondemand, 900 to 900 MHz', 'GPU: 300 to 600 MHz'], true),
      'GPU: 300 to 1300 MHz → GPU: 300 to 600 MHz',
    );
  });
});
