/** How the dashboard is built: JSX by Vite's own transformer, everything from the coordinator's own address. */
import { join } from 'node:path';
import type { UserConfig } from 'vite';

export default {
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'dashboard'),
    emptyOutDir: true,
    // The preload polyfill would be an inline script, which the content security policy forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
} satisfies UserConfig;
