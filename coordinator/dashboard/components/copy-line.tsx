/** A command to paste elsewhere, with a button that copies it. */
import { useRef } from 'preact/hooks';
import { announce } from '../state/announce.ts';

export function CopyLine({ label, text }: { label: string; text: string }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(text);
      announce(`${label} copied`);
    } catch {
      // Browsers give the clipboard to pages of https and of this machine only; the text is selected.
      announce('The text is selected: copy it with Ctrl+C');
    }
  };
  return (
    <div class="copy-line">
      <label>
        {label}
        <textarea ref={field} readOnly rows={3} value={text} spellcheck={false} />
      </label>
      <button type="button" onClick={copy}>
        Copy
      </button>
    </div>
  );
}
