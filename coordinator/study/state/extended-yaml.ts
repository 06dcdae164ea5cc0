/** The text of a study that was extended: what it is now, so that whoever runs it again runs the same. */
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { StudyExtension } from '@edgetune/shared/domain/study-extension.ts';
import { isCollection, parseDocument } from 'yaml';

/** As a person wrote it, comments included, with what has changed since; where nothing has, to the letter. */
export function extendedYaml(
  yaml: string,
  { stop: { trials }, devices }: { stop: Pick<StudySpec['stop'], 'trials'>; devices: readonly string[] },
  extensions: readonly StudyExtension[],
): string {
  if (extensions.length === 0) return yaml;
  const document = parseDocument(yaml);
  const before: unknown = document.toJS();
  // What an alias or a merged key stands for is changed here only.
  const isOwn = (key: string) => isCollection(document.get(key, true));
  if (extensions.some((extension) => extension.trials !== null)) {
    if (isOwn('stop')) document.setIn(['stop', 'trials'], trials);
    else document.set('stop', { ...Object((before as { stop?: unknown }).stop), trials });
  }
  const added = extensions.flatMap((extension) => extension.devices);
  if (added.length > 0 && isOwn('devices')) for (const name of added) document.addIn(['devices'], name);
  else if (added.length > 0) document.set('devices', [...devices]);
  return document.toString({ lineWidth: 0 });
}
