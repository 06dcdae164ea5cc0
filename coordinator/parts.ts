/** Everything that a study or a tuner may name. */
import { TUNER_PARTS, type TunerParts } from './tuner/tuner-parts.ts';

export interface Parts extends TunerParts {}

export const PARTS: Parts = TUNER_PARTS;
