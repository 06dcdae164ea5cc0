/** Which study a name means: names are given more than once. */
import { StudyStateError } from './state/study-errors.ts';

export interface NamedStudy {
  id: string;
  name: string;
  /** As people are told it: "running", "cannot be read". */
  state: string;
  createdAt: string;
  /** Whether a run of it is going on. */
  isRunning: boolean;
}

/** The study with this id, else those with this name, newest first. */
export function studiesNamed(idOrName: string, all: readonly NamedStudy[]): NamedStudy[] {
  const exact = all.filter(({ id }) => id === idOrName);
  if (exact.length > 0) return exact;
  return all.filter(({ name }) => name === idOrName).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

/**
 * The one that is meant by whoever changes something: null where there is none.
 * @param isOfRunning where only a running study can be meant: if one alone of that name runs, it is that one
 * @throws {StudyStateError} listing them, where it may be several
 */
export function onlyStudyNamed(
  idOrName: string,
  all: readonly NamedStudy[],
  { isOfRunning = false, hint = '' }: { isOfRunning?: boolean; hint?: string } = {},
): string | null {
  const named = studiesNamed(idOrName, all);
  const running = named.filter(({ isRunning }) => isRunning);
  const [meant, ...others] = isOfRunning && running.length === 1 ? running : named;
  if (others.length > 0)
    throw new StudyStateError(
      `${named.length} studies are named "${idOrName}": say which by its id${hint}. ${listed(named)}`,
    );
  return meant?.id ?? null;
}

const listed = (studies: readonly NamedStudy[]) =>
  `There are ${studies.map(({ id, state, createdAt }) => `${id} (${state}, started ${createdAt})`).join(', ')}`;
