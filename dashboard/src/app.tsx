import { type ReactNode, useState } from 'react';
import { ask, useAnswer } from './api.js';
import { ComparePage } from './pages/compare.js';
import { LoginPage } from './pages/login.js';
import { ModelPage, ModelsPage, VersionPage } from './pages/models.js';
import { RunPage } from './pages/run.js';
import { RunsPage } from './pages/runs.js';
import { linkTo, type Place, usePlace } from './router.js';

interface Session {
  readonly name: string;
  readonly role: string;
  readonly users: boolean;
}

export interface Experiment {
  readonly id: number;
  readonly name: string;
}

export function App(): ReactNode {
  const place = usePlace();
  const [logins, setLogins] = useState(0);
  const session = useAnswer<Session>(`/session?${logins}`);
  if (session.error?.status === 401) return <LoginPage onLogin={() => setLogins(logins + 1)} />;
  if (session.error !== undefined) return <p role="alert">{session.error.message}</p>;
  if (session.data === undefined) return <p className="quiet">…</p>;
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the content
      </button>
      <header>
        <a className="brand" href={linkTo([])}>
          Ballast
        </a>
        <nav aria-label="Pages">
          <a href={linkTo([])} aria-current={place.parts[0] !== 'models' ? 'page' : undefined}>
            Experiments
          </a>
          <a href={linkTo(['models'])} aria-current={place.parts[0] === 'models' ? 'page' : undefined}>
            Models
          </a>
        </nav>
        <span className="grow" />
        <Theme />
        {session.data.users && (
          <button
            type="button"
            onClick={() => void ask('/logout', { method: 'POST', body: '{}' }).then(() => setLogins(logins + 1))}
          >
            {session.data.name}: log out
          </button>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        <Page place={place} />
      </main>
    </>
  );
}

function Page({ place }: { place: Place }): ReactNode {
  const [room, first, second, third] = place.parts;
  if (room === 'models' && second !== undefined && first !== undefined)
    return <VersionPage name={first} version={second} />;
  if (room === 'models' && first !== undefined) return <ModelPage name={first} />;
  if (room === 'models') return <ModelsPage />;
  if (room === 'compare')
    return <ComparePage ids={(place.query.get('runs') ?? '').split(',').filter((id) => id !== '')} />;
  if (room === 'experiments' && second === 'runs' && third !== undefined) return <RunPage key={third} id={third} />;
  return <RunsPage experiment={room === 'experiments' ? first : undefined} query={place.query} />;
}

/** Light or dark, kept in this browser; else as the system is. */
function Theme(): ReactNode {
  const [theme, setTheme] = useState(localStorage.getItem('theme') ?? '');
  document.documentElement.dataset.theme = theme;
  const isDark = theme === 'dark' || (theme === '' && matchMedia('(prefers-color-scheme: dark)').matches);
  return (
    <button
      type="button"
      onClick={() => {
        const next = isDark ? 'light' : 'dark';
        localStorage.setItem('theme', next);
        setTheme(next);
      }}
    >
      {isDark ? 'Light' : 'Dark'}
    </button>
  );
}
