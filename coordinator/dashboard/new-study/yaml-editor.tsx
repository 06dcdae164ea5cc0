/** The study as YAML, with line numbers and the coordinator's mistakes at their lines. */
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import { useRef } from 'preact/hooks';
import type { Draft } from '../components/draft.ts';

export function YamlEditor({ draft, problem }: { draft: Draft; problem: Problem | null }) {
  const numbers = useRef<HTMLPreElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft.text.value;
  const wrongLines = new Set(problem?.issues?.map(({ line }) => line));
  const lines = text.split('\n');
  const goTo = (line: number) => {
    const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
    field.current?.focus();
    field.current?.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  };
  return (
    <>
      {problem && <Mistakes problem={problem} goTo={goTo} />}
      <label for="yaml">Study as YAML</label>
      <div class="editor">
        <pre ref={numbers} aria-hidden="true">
          {lines.map((_, index) => (
            <span key={index} class={wrongLines.has(index + 1) ? 'wrong' : undefined}>
              {index + 1}
              {'\n'}
            </span>
          ))}
        </pre>
        <textarea
          id="yaml"
          ref={field}
          rows={Math.min(40, Math.max(16, lines.length + 1))}
          value={text}
          wrap="off"
          spellcheck={false}
          autocapitalize="off"
          aria-invalid={problem !== null}
          onInput={(event) => draft.setText(event.currentTarget.value)}
          onScroll={(event) => numbers.current?.scrollTo({ top: event.currentTarget.scrollTop })}
        />
      </div>
    </>
  );
}

function Mistakes({ problem, goTo }: { problem: Problem; goTo(line: number): void }) {
  return (
    <div role="alert" class="error">
      <p>
        {problem.error}
        {problem.hint && ` – ${problem.hint}`}
      </p>
      <ul>
        {problem.issues?.map(({ path, message, line }) => (
          <li key={`${path} ${message}`}>
            {line !== null && (
              <button type="button" class="link" onClick={() => goTo(line)}>
                Line {line}
              </button>
            )}{' '}
            {path && <code>{path}</code>} {message}
          </li>
        ))}
      </ul>
    </div>
  );
}
