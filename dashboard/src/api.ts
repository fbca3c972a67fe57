import { useEffect, useState } from 'react';

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks the server; what it refuses is an {@link ApiError} with its own words. */
export async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`/api/v1${path}`, { ...init, headers: { 'content-type': 'application/json' } });
  const body = (await response.json()) as { message?: string };
  if (!response.ok) throw new ApiError(response.status, body.message ?? response.statusText);
  return body as Answer;
}

export interface Loaded<Answer> {
  readonly data: Answer | undefined;
  readonly error: ApiError | undefined;
}

/** What a path answers, asked again when the path changes and, where told to, every so many ms. */
export function useAnswer<Answer>(path: string | undefined, everyMs?: number): Loaded<Answer> {
  const [state, setState] = useState<Loaded<Answer> & { path?: string }>({ data: undefined, error: undefined });
  useEffect(() => {
    if (path === undefined) return;
    let current = true;
    const load = (): void => {
      ask<Answer>(path).then(
        (data) => current && setState({ data, error: undefined, path }),
        (error: unknown) =>
          current &&
          setState({ data: undefined, error: error instanceof ApiError ? error : new ApiError(0, String(error)) }),
      );
    };
    load();
    const timer = everyMs === undefined ? undefined : setInterval(load, everyMs);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [path, everyMs]);
  return state;
}
