/** Asks for the admin token after the coordinator has refused a request without it. */
import { useRef } from 'preact/hooks';
import { adminToken, keepToken } from '../state/session.ts';

export function TokenForm() {
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token !== '') keepToken(token);
  };
  return (
    <form class="card narrow" onSubmit={submit}>
      <h1>Admin token</h1>
      {adminToken.value !== null && (
        <p role="alert" class="error">
          The coordinator does not accept this token.
        </p>
      )}
      <p>
        This coordinator asks for its admin token. It was set with <code>--admin-token</code> or{' '}
        <code>EDGETUNE_ADMIN_TOKEN</code> when it was started, and is kept here until you close this tab.
      </p>
      <label class="field">
        Token
        <input ref={field} type="password" autocomplete="current-password" required />
      </label>
      <button type="submit" class="primary">
        Use this token
      </button>
    </form>
  );
}
