/** What screen readers shall say now: shown in the one polite live region of the page. */
import { signal } from '@preact/signals';

export const announcement = signal('');

export function announce(text: string): void {
  announcement.value = text;
}
