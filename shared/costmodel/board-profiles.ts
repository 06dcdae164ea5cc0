/** The board profiles that come with EdgeTune. */
import type { BoardProfile } from './board-profile.ts';
import { jetsonAgxXavier } from './profiles/jetson-agx-xavier.ts';
import { jetsonNano } from './profiles/jetson-nano.ts';
import { jetsonOrinNano } from './profiles/jetson-orin-nano.ts';
import { jetsonXavierNx } from './profiles/jetson-xavier-nx.ts';
import { raspberryPi3bPlus } from './profiles/raspberry-pi-3b-plus.ts';
import { raspberryPi4 } from './profiles/raspberry-pi-4.ts';
import { raspberryPi5 } from './profiles/raspberry-pi-5.ts';
import { raspberryPiZero2w } from './profiles/raspberry-pi-zero-2w.ts';
import { x86MiniPc } from './profiles/x86-mini-pc.ts';

export const BOARD_PROFILES: readonly BoardProfile[] = [
  raspberryPi3bPlus,
  raspberryPi4,
  raspberryPi5,
  raspberryPiZero2w,
  jetsonNano,
  jetsonXavierNx,
  jetsonAgxXavier,
  jetsonOrinNano,
  x86MiniPc,
];

/** @throws {RangeError} naming the profiles that there are */
export function boardProfileNamed(name: string): BoardProfile {
  const profile = BOARD_PROFILES.find((each) => each.name === name);
  if (profile) return profile;
  const names = BOARD_PROFILES.map((each) => each.name).join(', ');
  throw new RangeError(`there is no board profile "${name}": use one of ${names}, or the path of your own YAML file`);
}
