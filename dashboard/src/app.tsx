import { type ReactNode, useState } from 'react';
import { ask, useAnswer } from './api.js';
import { ComparePage } from './pages/compare.js';
import { DebugPage } from './pages/debug.js';
import { ExecutivePage } from './pages/executive.js';
import { LoginPage } from './pages/login.js';
import { ModelPage, ModelsPage, VersionPage } from './pages/models.js';
import { OnCallPage } from './pages/on-call.js';
import { RegularizerPage, RegularizersPage } from './pages/regularizers.js';
import { RolloutPage, RolloutsPage } from './pages/rollouts.js';
import { RunPage } from './pages/run.js';
import { RunsPage } from './pages/runs.js';
import { SweepPage } from './pages/sweep.js';
import { SweepsPage } from './pages/sweeps.js';
import { RunbookPage } from './parts/runbook.js';
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
          {Object.entries(PAGES).map(([room, title]) => (
            <a
              key={room}
              href={linkTo(room === '' ? [] : [room])}
              aria-current={roomOf(place) === room ? 'page' : undefined}
            >
              {title}
            </a>
          ))}
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

const PAGES: Readonly<Record<string, string>> = {
  '': 'Experiments',
  sweeps: 'Sweeps',
  models: 'Models',
  rollouts: 'Rollouts',
  regularizers: 'Regularizers',
  executive: 'Promises',
  'on-call': 'On call',
};

/** Of the pages above, the one that a place belongs to. */
function roomOf({ parts: [room = ''] }: Place): string {
  if (room === 'debug' || room === 'runbooks') return 'on-call';
  return room in PAGES ? room : '';
}

function Page({ place }: { place: Place }): ReactNode {
  const [room, first, second, third] = place.parts;
  if (room === 'models' && second !== undefined && first !== undefined)
    return <VersionPage name={first} version={second} />;
  if (room === 'models' && first !== undefined) return <ModelPage name={first} />;
  if (room === 'models') return <ModelsPage />;
  if (room === 'sweeps' && first !== undefined) return <SweepPage key={first} id={first} query={place.query} />;
  if (room === 'sweeps') return <SweepsPage experiment={place.query.get('experiment') ?? undefined} />;
  if (room === 'regularizers' && first !== undefined) return <RegularizerPage key={first} name={first} />;
  if (room === 'regularizers') return <RegularizersPage query={place.query} />;
  if (room === 'rollouts' && first !== undefined) return <RolloutPage key={first} id={first} />;
  if (room === 'rollouts') return <RolloutsPage model={place.query.get('model') ?? undefined} />;
  if (room === 'executive') return <ExecutivePage />;
  if (room === 'on-call') return <OnCallPage key={first ?? ''} model={first} />;
  if (room === 'runbooks') return <RunbookPage key={first ?? ''} name={first} model={second} />;
  if (room === 'debug' && first !== undefined) return <DebugPage key={first} model={first} />;
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
