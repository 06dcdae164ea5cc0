/**
 * How to start a module of ours in a child process or worker: from TypeScript sources in a checkout (Node 20 needs tsx
 * for that, in children too), from the built JavaScript in an installed package.
 */

/**
 * Node flags with which `moduleUrl` can be run by `fork`, `spawn` or `new Worker`.
 * @param moduleUrl `file:` URL of the module to run; `.ts` means sources
 */
export function execArgvFor(moduleUrl: string | URL): string[] {
  return String(moduleUrl).endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
}

/**
 * The URL of a sibling entry module: its source in a checkout, its bundle when built.
 * @example childModuleUrl(import.meta.url, './measure/child.ts', 'measure-child.js')
 */
export function childModuleUrl(importMetaUrl: string, source: string, built: string): URL {
  return importMetaUrl.endsWith('.ts') ? new URL(source, importMetaUrl) : new URL(built, importMetaUrl);
}
