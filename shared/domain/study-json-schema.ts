/** The JSON Schema of a study as people write it, by which editors complete and check the YAML. */
import { z } from 'zod';
import { type StudyParts, studySchemaFor } from './study-parts.ts';

/**
 * In draft 7, which editors know best. It refuses what the study's own schema refuses for its form; what needs a fleet, a
 * workload or several places at once (unknown devices, parameters that a workload has not, `minEpochs` above `maxEpochs`)
 * is told when the study is started.
 * @param parts what a study may name
 */
export function studyJsonSchema(parts: StudyParts): Record<string, unknown> {
  const schema = z.toJSONSchema(studySchemaFor(parts), {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // zod says of every whole number that it is one of those that JavaScript can hold.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return { ...schema, title: 'EdgeTune study' };
}
