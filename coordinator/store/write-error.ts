/** Says what a person can do about a write that failed because of the disk. */
import { NotWrittenError } from '../lifecycle/not-written-error.ts';

const FULL = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT', 'EFBIG']);
const READ_ONLY = new Set(['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'EROFS', 'EACCES', 'EPERM']);

/** A {@link NotWrittenError} where the disk is full, failing or not writable; else the error itself. */
export function explainWriteError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (FULL.has(code))
    return new NotWrittenError(
      'disk-full',
      `the disk is full: ${path} could not be written. Free some space, or move the data directory to a larger disk; nothing written before is lost`,
      { cause: error },
    );
  if (READ_ONLY.has(code))
    return new NotWrittenError(
      'not-allowed',
      `${path} may not be written: check the owner and the permissions of the data directory`,
      { cause: error },
    );
  if (code.startsWith('SQLITE_IOERR') || code === 'EIO')
    return new NotWrittenError(
      'refused',
      `${path} could not be written: the disk does not take it (${code}). Look whether it is full, or failing; nothing written before is lost`,
      { cause: error },
    );
  return error;
}

/** Of an error of the database or the file system; drizzle may wrap it. Empty where there is none. */
export function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause ? codeOf(cause) : '';
}
