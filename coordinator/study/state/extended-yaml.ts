/** The text of a study that was extended: what it is now, so that whoever runs it again runs the same. */
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { EXTENDABLE, StudyExtension } from '@edgetune/shared/domain/study-extension.ts';
import { isCollection, parseDocument } from 'yaml';

/** As a person wrote it, comments included, with what has changed since; where nothing has, to the letter. */
export function extendedYaml(
  yaml: string,
  { stop, budget, devices }: Pick<StudySpec, 'stop' | 'budget' | 'devices'>,
  extensions: readonly StudyExtension[],
): string {
  if (extensions.length === 0) return yaml;
  const document = parseDocument(yaml);
  // What an alias or a merged key stands for is changed here only.
  const isOwn = (key: string) => isCollection(document.get(key, true));
  const set = (section: 'stop' | 'budget', key: string, value: unknown) => {
    if (isOwn(section)) document.setIn([section, key], document.createNode(value));
    else
      document.set(
        section,
        document.createNode({ ...Object((document.toJS() as Record<string, unknown>)[section]), [key]: value }),
      );
  };
  const has = (name: (typeof EXTENDABLE)[number]) => extensions.some((extension) => extension[name] !== null);
  for (const name of ['trials', 'timeS', 'energyJ'] as const) if (has(name)) set('stop', name, stop[name]);
  if (has('epochs')) for (const name of ['maxEpochs', 'throughEpochs'] as const) set('budget', name, budget[name]);
  const added = extensions.flatMap((extension) => extension.devices);
  if (added.length > 0 && isOwn('devices')) for (const name of added) document.addIn(['devices'], name);
  else if (added.length > 0) document.set('devices', [...devices]);
  return document.toString({ lineWidth: 0 });
}
