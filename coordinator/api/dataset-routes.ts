/** A look at data before anything is trained on them. */
import { type DatasetReport, datasetReportSchema } from '@edgetune/shared/domain/dataset-report.ts';
import { partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import { AUTO_FORMAT, type DatasetSpec } from '@edgetune/shared/domain/study.ts';
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import { checkDatasetQuerySchema, checkDatasetRequestSchema } from '@edgetune/shared/protocol/http.ts';
import { HttpProblem } from './problem.ts';
import { declared, json, jsonBody, type Routes } from './routes.ts';

export interface DatasetRoutesOptions {
  parts: Pick<StudyParts, 'workloads'>;
  /** @throws {DatasetError} where a study could not train on it; `takes`: the kind of data that is wanted */
  lookAtDataset(dataset: DatasetSpec, takes?: string): Promise<DatasetReport>;
}

export function datasetRoutes(routes: Routes, { parts: { workloads }, lookAtDataset }: DatasetRoutesOptions): void {
  const look = (dataset: { format?: string | undefined }, workloadName: string | undefined) => {
    const workload = workloadName === undefined ? undefined : partNamed(workloads, workloadName);
    if (workloadName !== undefined && !workload)
      throw new HttpProblem(400, unknownPart('workload', workloadName, workloads));
    return lookAtDataset({ ...dataset, format: dataset.format ?? AUTO_FORMAT }, workload?.takes);
  };
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/datasets/check',
      summary: 'What a data set holds, as a study would read it',
      request: { body: jsonBody(checkDatasetRequestSchema) },
      responses: { 200: json(datasetReportSchema) },
    }),
    async (c) => {
      const { dataset, workload } = c.req.valid('json');
      return c.json(await look(dataset, workload), 200);
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/datasets/check',
      summary: 'The same of a path, its format found out',
      request: { query: checkDatasetQuerySchema },
      responses: { 200: json(datasetReportSchema) },
    }),
    async (c) => {
      const { workload, ...dataset } = c.req.valid('query');
      return c.json(await look(dataset, workload), 200);
    },
  );
}
