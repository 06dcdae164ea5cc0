/** How a command takes a model: its file with the data that lie beside it, and what is said of its inputs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** A model as it is measured: one file, which `release` removes where it is none of the user's own. */
export interface ModelFile extends FixedInputs {
  path: string;
  release(): void;
}

/**
 * Ends the command with the reason where the model cannot be read, or what was said does not fit it.
 * @param path of the user's file
 */
export function modelFile(path: string, flags: InputFlags, command: Command): ModelFile {
  const read = (file: string) => new Uint8Array(readFileSync(file));
  try {
    const own = read(path);
    const whole = inlineExternalData(own, ({ location, leastBytes }) => readSibling(path, location, leastBytes));
    const fixed = fixInputs(whole, givenBy(flags, read));
    if (fixed.model === own) return { ...fixed, path, release: () => {} };
    const folder = mkdtempSync(join(tmpdir(), 'edgetune-model-'));
    writeFileSync(join(folder, 'model.onnx'), fixed.model);
    return {
      ...fixed,
      path: join(folder, 'model.onnx'),
      release: () => rmSync(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    const isForeseen = error instanceof OnnxError || error instanceof SiblingFileError || 'code' in (error as object);
    if (isForeseen) command.error(`error: ${path}: ${(error as Error).message}`, { exitCode: 1 });
    throw error;
  }
}
