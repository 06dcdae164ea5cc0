/** `edgetune schema study`: what a study may hold, as JSON Schema. */
import { studyJsonSchema } from '@edgetune/shared/domain/study-json-schema.ts';
import { Argument, type Command } from 'commander';
import type { Parts } from '../../parts.ts';

const EXAMPLES = `
Examples:
  edgetune schema study > edgetune-study.schema.json
and as the first line of a study, for editors with the YAML language server (VS Code, Neovim, …):
  # yaml-language-server: $schema=./edgetune-study.schema.json
A coordinator serves the same at /api/schemas/study.`;

/** @param parts what a study may name */
export function registerSchema(program: Command, parts: Parts): void {
  program
    .command('schema')
    .description('Print the JSON Schema of a file that people write, so that editors complete and check it.')
    .addArgument(new Argument('<of>', 'what it is the schema of').choices(['study']))
    .addHelpText('after', EXAMPLES)
    .action(() => console.log(JSON.stringify(studyJsonSchema(parts), null, 2)));
}
