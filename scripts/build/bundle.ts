/** Bundles modules of a package of this repository, with `shared` and what is not left out put in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

export const ROOT = join(import.meta.dirname, '../..');

export interface PackageJson {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  [field: string]: unknown;
}

export function readPackage(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as PackageJson;
}

/** Zod brings its messages in fifty languages, of which we speak one. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, ({ importer, resolveDir }) =>
      importer.includes('zod') ? { path: join(resolveDir, '../locales/en.js') } : undefined,
    );
  },
};

/** @param entries by the name of the bundle: every module that is started by itself (command line, child processes, threads) */
export async function bundle(
  folder: string,
  outdir: string,
  entries: Record<string, string>,
  external: string[],
): Promise<void> {
  await build({
    entryPoints: Object.fromEntries(
      Object.entries(entries).map(([name, source]) => [name, join(ROOT, folder, source)]),
    ),
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external,
    // A source stays in memory as long as the program runs; names are kept, for the sake of errors.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [englishOnly],
    // CommonJS packages that are bundled in call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}
