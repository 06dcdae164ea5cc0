/** Which page is shown: hash routes, so that the page works under any path and without rewriting on the server. */
import { signal } from '@preact/signals';

export type Route =
  | { page: 'fleet' }
  | { page: 'studies' }
  | { page: 'new-study' }
  | { page: 'study'; id: string }
  | { page: 'benches' }
  | { page: 'bench'; id: string };

export const paths = {
  fleet: '#/fleet',
  studies: '#/studies',
  newStudy: '#/new',
  benches: '#/bench',
  bench: (id: string) => `#/bench/${encodeURIComponent(id)}`,
  study: (id: string) => `#/studies/${encodeURIComponent(id)}`,
};

/** Unknown hashes lead to the fleet, where a newcomer starts. */
export function parseRoute(hash: string): Route {
  const [, first = '', second] = hash.split('/');
  if (first === 'new') return { page: 'new-study' };
  if (first === 'studies') {
    const id = decoded(second);
    return id ? { page: 'study', id } : { page: 'studies' };
  }
  if (first === 'bench') {
    const id = decoded(second);
    return id ? { page: 'bench', id } : { page: 'benches' };
  }
  return { page: 'fleet' };
}

/** Null where there is no text, or it is not validly encoded (a hash that somebody typed). */
function decoded(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

export const route = signal<Route>(parseRoute(location.hash));
addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});
