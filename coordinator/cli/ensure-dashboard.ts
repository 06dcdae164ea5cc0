/** In a checkout the dashboard is built when its sources have changed; an installed package brings it along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@edgetune/shared/log/logger.ts';

export async function ensureDashboard(log: Logger): Promise<void> {
  const sources = join(import.meta.dirname, '..', 'dashboard', 'build.ts');
  if (!existsSync(sources)) return;
  try {
    // Not a literal, so that the bundle does not take the build tool in.
    const { buildDashboard } = (await import(sources)) as { buildDashboard(directory: string): Promise<void> };
    await buildDashboard(join(import.meta.dirname, '..', 'dist', 'dashboard'));
  } catch (error) {
    log.warn('the dashboard could not be built and is not served', { error });
  }
}
