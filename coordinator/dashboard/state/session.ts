/** The admin token of this browser tab. It goes with every request and is forgotten when the tab is closed. */
import { signal } from '@preact/signals';

const KEY = 'edgetune.adminToken';

export const adminToken = signal<string | null>(sessionStorage.getItem(KEY));
/** The coordinator has refused a request: it wants a token, or another one. */
export const tokenWanted = signal(false);

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
  adminToken.value = token;
  tokenWanted.value = false;
}
