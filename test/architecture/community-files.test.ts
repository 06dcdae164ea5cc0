/** What people meet first who want to report something: forms that GitHub can show, and links that lead somewhere. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.github/ISSUE_TEMPLATE');

/** As GitHub documents it ("Syntax for GitHub's form schema"); what it does not know it refuses to show. */
const formSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  labels: z.array(z.string()),
  body: z.array(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: z.string() }) }),
      z.strictObject({
        type: z.enum(['textarea', 'input', 'dropdown']),
        id: z.string().regex(/^[\w-]+$/),
        attributes: z.strictObject({
          label: z.string(),
          description: z.string().optional(),
          render: z.string().optional(),
          multiple: z.boolean().optional(),
          options: z.array(z.string()).min(1).optional(),
        }),
        validations: z.strictObject({ required: z.boolean() }).optional(),
      }),
    ]),
  ),
});

it('issue forms are as GitHub reads them', () => {
  const forms = readdirSync(folder).filter((name) => name !== 'config.yml');
  assert.deepEqual(forms.sort(), ['board.yml', 'bug.yml', 'question.yml']);
  for (const name of forms) {
    const form = formSchema.parse(parse(readFileSync(join(folder, name), 'utf8')));
    const fields = form.body.flatMap((field) => (field.type === 'markdown' ? [] : [field]));
    assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length, `${name}: an id stands twice`);
    assert.ok(
      fields.some(({ validations }) => validations?.required),
      `${name}: an empty report would pass`,
    );
    for (const { type, attributes } of fields)
      assert.equal(type === 'dropdown', attributes.options !== undefined, `${name}: ${attributes.label}`);
  }
});

it('what the files at the root link to is there', () => {
  const pages = readdirSync(root).filter((name) => name.endsWith('.md'));
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(dead, []);
});
