import { useSyncExternalStore } from 'react';

/** Where the page is: `#/experiments/0/runs/ID?key=value`. Every state that can be shared stands in the address. */
export interface Place {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export function usePlace(): Place {
  const hash = useSyncExternalStore(
    (changed) => {
      addEventListener('hashchange', changed);
      return () => removeEventListener('hashchange', changed);
    },
    () => location.hash,
  );
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return {
    parts: path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent),
    query: new URLSearchParams(query),
  };
}

export function linkTo(parts: readonly (string | number)[], query: Record<string, string> = {}): string {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${parts.map((part) => encodeURIComponent(String(part))).join('/')}${words === '' ? '' : `?${words}`}`;
}

/** Changes the address without a new entry in the history: for what is typed. */
export function replacePlace(link: string): void {
  history.replaceState(null, '', link);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
