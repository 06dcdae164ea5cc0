/** How commands take a model: its file with the data that lie beside it, and what is said of its inputs. */
import { readFileSync } from 'node:fs';
import { inlineExternalData } from '@edgetune/shared/onnx/external-data.ts';
import { type FixedInputs, fixInputs } from '@edgetune/shared/onnx/fix-inputs.ts';
import { givenBy, INPUT_OPTIONS, type InputFlags } from '@edgetune/shared/onnx/input-options.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readSibling, SiblingFileError } from '@edgetune/shared/runtime/sibling-file.ts';
import { type Command, InvalidArgumentError } from 'commander';

/** Adds the options of `InputFlags` to a command. */
export function withInputOptions(command: Command): Command {
  for (const { flags, description, parse } of Object.values(INPUT_OPTIONS))
    command.option(
      flags,
      description,
      (text: string, before: object): object => {
        try {
          return parse(text, before as never);
        } catch (error) {
          throw new InvalidArgumentError((error as Error).message);
        }
      },
      {},
    );
  return command;
}

/** The model as one file. @throws {OnnxError} @throws {SiblingFileError} @throws {Error} where it cannot be read */
export function wholeModel(path: string): Uint8Array {
  const read = ({ location, leastBytes }: { location: string; leastBytes: number }) =>
    readSibling(path, location, leastBytes);
  return inlineExternalData(new Uint8Array(readFileSync(path)), read);
}

/** The same with what was said of its inputs. @throws {OnnxError} where that contradicts itself or the model, and as `wholeModel` */
export function modelFrom(path: string, flags: InputFlags): FixedInputs {
  return fixInputs(
    wholeModel(path),
    givenBy(flags, (file) => new Uint8Array(readFileSync(file))),
  );
}

/** What is wrong with a model, or with a file that was named, as a code and words; null: it is no such thing. */
export function modelRefusal(error: unknown): { code: string; message: string } | null {
  if (error instanceof OnnxError) return { code: error.code, message: error.message };
  if (error instanceof SiblingFileError) return { code: 'external-data', message: error.message };
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return { code: 'no-such-file', message: `there is no file ${path}` };
  if (code === 'EISDIR' || code === 'EACCES' || code === 'ERR_FS_FILE_TOO_LARGE')
    return { code: 'unreadable', message };
  return null;
}
