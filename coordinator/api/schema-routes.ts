/** What people write, as JSON Schema: editors ask for it by themselves and have no token. */

import { studyJsonSchema } from '@edgetune/shared/domain/study-json-schema.ts';
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import { z } from 'zod';
import { declared, json, type Routes } from './routes.ts';

export function schemaRoutes(routes: Routes, { parts }: { parts: StudyParts }): void {
  const study = studyJsonSchema(parts);
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/schemas/study',
      summary: 'The JSON Schema of a study, for "# yaml-language-server: $schema=" in its first line',
      responses: { 200: json(z.looseObject({ $schema: z.string() })) },
    }),
    (c) => c.json(study as { $schema: string }, 200),
  );
}
