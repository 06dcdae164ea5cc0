/**
 * Study events of earlier versions. Each kind of event has a version, which stands beside it in its row. Whoever changes
 * the schema of a kind (shared/domain/study-event.ts) so that it refuses or misreads an event of before, adds an
 * upcaster here, which makes the next version of the body out of the one before it.
 */
import { type StudyEventBody, studyEventBodySchema } from '@edgetune/shared/domain/study-event.ts';
import { parseRow } from './rows.ts';

type Kind = StudyEventBody['type'];
type Upcast = (body: Record<string, unknown>) => Record<string, unknown>;

/** By kind, from version 1 on. What an upcaster fills in is what held then: it does not change with today's defaults. */
const UPCASTERS: { readonly [K in Kind]?: readonly Upcast[] } = {
  // Before int8 variants were made, a study said nothing of quantisation.
  'study-created': [
    ({ spec, ...rest }) => ({ ...rest, spec: { quantisation: { maxAccuracyDrop: 0.01 }, ...(spec as object) } }),
    // A program of its own could be written into a study, and none was ever run.
    ({ spec, ...rest }) => {
      const { command: _, ...known } = spec as Record<string, unknown>;
      return { ...rest, spec: known };
    },
  ],
  // Since the last version devices may be pending, and metrics withdrawn: coordinators that do not know that may not read it.
  'trial-told': [withFiniteNumbers, asItIs],
  'trial-amended': [withFiniteNumbers, asItIs],
  // Since then a checkpoint holds the best state beside the last: coordinators that do not know that cannot read it.
  'training-finished': [asItIs],
};

function asItIs(body: Record<string, unknown>): Record<string, unknown> {
  return body;
}

/** A limit of 0 that is missed makes an infinite violation. JSON, which knows no such numbers, made null of it. */
function withFiniteNumbers({ violation, metrics, ...rest }: Record<string, unknown>): Record<string, unknown> {
  const known = Object.entries(metrics as object).filter(([, value]) => value !== null);
  return { ...rest, violation: violation ?? 1e6, metrics: Object.fromEntries(known) };
}

/** The version that events of this kind are written in. */
export function versionOf(kind: Kind): number {
  return 1 + (UPCASTERS[kind]?.length ?? 0);
}

/**
 * The body of an event as today's schema has it.
 * @param text JSON, as it stands in the row
 * @throws {Error} saying what is wrong with it
 */
export function readEventBody(text: string, version: number): StudyEventBody {
  const body = parseJson(text);
  const kind = body.type as Kind;
  const upcasters = UPCASTERS[kind] ?? [];
  if (version > versionOf(kind))
    throw new Error(`${kind}, version ${version}: a newer EdgeTune has written it; update EdgeTune to read it`);
  return parseRow(
    studyEventBodySchema,
    upcasters.slice(version - 1).reduce((before, upcast) => upcast(before), body),
  );
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new Error('it is not JSON');
  }
}
