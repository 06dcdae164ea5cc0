/**
 * How to start a module of ours in a child process or worker: from TypeScript sources in a checkout (Node 20 needs tsx
 * for that, in children too), from the built JavaScript in an installed package.
 */

/**
 * Node flags with which `moduleUrl` can be run by `fork` or `spawn`; for threads see `threadEntryFor`.
 * @param moduleUrl `file:` URL of the module to run; `.ts` means sources
 */
export function execArgvFor(moduleUrl: string | URL): string[] {
  return String(moduleUrl).endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
}

/**
 * What to give `new Worker` to run `moduleUrl` in a thread. `--import tsx` does nothing in the threads of Node 20, so
 * sources are started by a line that registers tsx there.
 */
export function threadEntryFor(moduleUrl: URL): URL {
  if (!moduleUrl.href.endsWith('.ts')) return moduleUrl;
  const [tsx, module] = [import.meta.resolve('tsx/esm/api'), moduleUrl.href].map((url) => JSON.stringify(url));
  const code = `import { register } from ${tsx}; register(); await import(${module});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

/**
 * The URL of a module that is started by itself: its source in a checkout, its bundle in `dist` when built (where the
 * importing code may lie deeper, in a shared chunk).
 * @example childModuleUrl(import.meta.url, './measure-child.ts', 'measure-child.js')
 */
export function childModuleUrl(importMetaUrl: string, source: string, built: string): URL {
  return importMetaUrl.endsWith('.ts') ? new URL(source, importMetaUrl) : new URL(built, distOf(importMetaUrl));
}

/**
 * The package's folder (with a closing slash), from a module of it.
 * @param fromSource path from the source module to it, such as './' or '../'
 */
export function packageFolder(importMetaUrl: string, fromSource: string): URL {
  return importMetaUrl.endsWith('.ts') ? new URL(fromSource, importMetaUrl) : new URL('../', distOf(importMetaUrl));
}

function distOf(importMetaUrl: string): string {
  return importMetaUrl.slice(0, importMetaUrl.lastIndexOf('/dist/') + '/dist/'.length);
}
