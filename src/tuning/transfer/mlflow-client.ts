import { BallastError } from '../../errors.js';

/** What is asked of another MLflow server: its REST contract, with the credentials that MLflow's own client reads. */
export class MlflowClient {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  /** @param url the server's address, such as `http://127.0.0.1:5000` */
  constructor(url: string, environment: NodeJS.ProcessEnv = process.env) {
    this.#base = url.replace(/\/+$/, '');
    const {
      MLFLOW_TRACKING_TOKEN: token,
      MLFLOW_TRACKING_USERNAME: user = '',
      MLFLOW_TRACKING_PASSWORD: password = '',
    } = environment;
    const basic = user === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const authorization = token === undefined ? basic : `Bearer ${token}`;
    this.#headers = authorization === undefined ? {} : { authorization };
  }

  /** @throws BallastError `MLFLOW_UNREACHABLE`, `MLFLOW_REFUSED` */
  async ask<Answer>(method: 'GET' | 'POST', path: string, fields: Record<string, unknown> = {}): Promise<Answer> {
    const query = method === 'GET' ? `?${new URLSearchParams(fields as Record<string, string>)}` : '';
    const body = method === 'POST' ? { body: JSON.stringify(fields) } : {};
    const response = await this.#send(`/api/2.0/mlflow/${path}${query}`, {
      method,
      headers: { ...this.#headers, 'content-type': 'application/json' },
      ...body,
    });
    return (await response.json()) as Answer;
  }

  /** Uploads a file below a run's artifact URI; the server must keep artifacts itself (`mlflow-artifacts:`). */
  async upload(artifactUri: string, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const to = `${proxyPath(artifactUri)}/${path.split('/').map(encodeURIComponent).join('/')}`;
    const body = ReadableStream.from(content);
    await this.#send(to, { method: 'PUT', headers: this.#headers, body, duplex: 'half' } as RequestInit);
  }

  async download(artifactUri: string, path: string): Promise<AsyncIterable<Uint8Array>> {
    const from = `${proxyPath(artifactUri)}/${path.split('/').map(encodeURIComponent).join('/')}`;
    const { body } = await this.#send(from, { headers: this.#headers });
    return body ?? ReadableStream.from([]);
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.#base}${path}`, init);
    } catch (error) {
      throw new BallastError('The MLflow server cannot be reached', {
        code: 'MLFLOW_UNREACHABLE',
        kind: 'environment',
        place: this.#base,
        remedy: 'Check the address, and that the server runs.',
        cause: error,
      });
    }
    if (response.ok) return response;
    const text = await response.text();
    throw new BallastError(`The MLflow server refused: ${messageIn(text)}`, {
      code: 'MLFLOW_REFUSED',
      kind: response.status >= 500 ? 'environment' : 'input',
      place: `${this.#base}${path.split('?')[0]}`,
      value: response.status,
      remedy: 'See what it says; MLFLOW_TRACKING_TOKEN, _USERNAME and _PASSWORD are sent.',
    });
  }
}

function proxyPath(artifactUri: string): string {
  const path = /^mlflow-artifacts:\/*(.*)$/.exec(artifactUri)?.[1];
  if (path !== undefined) return `/api/2.0/mlflow-artifacts/artifacts/${path}`;
  throw new BallastError('The other server keeps artifacts in a place of its own', {
    code: 'MLFLOW_ARTIFACTS_ELSEWHERE',
    value: artifactUri,
    remedy: 'Start it with --serve-artifacts, or leave artifacts out with --no-artifacts.',
  });
}

function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
