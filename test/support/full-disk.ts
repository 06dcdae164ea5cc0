/** A disk that the test fills, for every database of this process: nothing can be committed while it is full. */
import type { TestContext } from 'node:test';
import Libsql from 'libsql';

export function fullDisk(t: TestContext) {
  let isFull = false;
  const exec = Libsql.prototype.exec;
  t.mock.method(Libsql.prototype, 'exec', function (this: Libsql.Database, sql: string) {
    if (isFull && sql === 'COMMIT') throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    return exec.call(this, sql);
  });
  return {
    fill: () => {
      isFull = true;
    },
    makeSpace: () => {
      isFull = false;
    },
  };
}
