/** A folder with some files in it, removed when the test is over. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** @param files content by path inside the folder */
export function temporaryFolder(
  t: Pick<TestContext, 'after'>,
  files: Record<string, string | Uint8Array> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}
