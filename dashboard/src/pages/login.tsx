import { type ReactNode, useState } from 'react';
import { ApiError, ask } from '../api.js';

export function LoginPage({ onLogin }: { onLogin: () => void }): ReactNode {
  const [error, setError] = useState('');
  return (
    <main className="login">
      <h1>Ballast</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const body = JSON.stringify({ name: form.get('name'), password: form.get('password') });
          ask('/login', { method: 'POST', body }).then(onLogin, (failure: unknown) =>
            setError(failure instanceof ApiError ? failure.message : String(failure)),
          );
        }}
      >
        <label>
          Name
          <input name="name" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button type="submit">Log in</button>
        <p role="alert">{error}</p>
      </form>
    </main>
  );
}
