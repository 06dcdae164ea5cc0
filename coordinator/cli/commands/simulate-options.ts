/** Options that `edgetune simulate` and `edgetune profile` share, with their parsers. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { BOARD_PROFILES, boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { InvalidArgumentError } from 'commander';

/** A profile by name, or from the path of a YAML file. @throws {InvalidArgumentError} saying what there is */
export function profileArgument(text: string): BoardProfile {
  try {
    if (!/\.ya?ml$/.test(text)) return boardProfileNamed(text);
    return parseBoardProfile(readFileSync(text, 'utf8'));
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** The profile that is written to a file has its name. */
export function profileNameFor(file: string): string {
  const name = basename(file)
    .replace(/\.ya?ml$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-');
  return /^[a-z0-9]/.test(name) ? name : `profile-${name}`;
}

export function positiveInt(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a positive whole number');
  return Number(text);
}

const profileRunners = BOARD_PROFILES.flatMap(({ backends }) => backends.flatMap(({ runners }) => runners));
export const PROFILE_RUNNERS = [...new Set(profileRunners)].sort().join(', ');
export const PROFILE_NAMES = BOARD_PROFILES.map((profile) => profile.name).join(', ');
