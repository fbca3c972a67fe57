import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BallastError } from '../../errors.js';
import { childProgram, loaderArguments } from '../../graph/runtime/child-program.js';
import { receive } from './receive.js';

export interface AgentOptions {
  readonly host: string;
  readonly port: number;
  /** Who asks must show it; required on an address that others reach. */
  readonly token?: string | undefined;
  /** Most bytes of one request. */
  readonly limit: number;
  /** How long one request may take, ms. */
  readonly longestMs: number;
  readonly tell?: ((doing: string) => void) | undefined;
}

export const BENCH_PATH = '/v1/bench';

/**
 * Starts an agent: it measures models that are sent to it, on the device where it runs, one request at a time. Each is measured by a process of its own that ends with its request.
 *
 * @throws BallastError AGENT_TOKEN, AGENT_LISTEN
 */
export async function startAgent(options: AgentOptions): Promise<{ url: string; close: () => Promise<void> }> {
  const { host, port, token } = options;
  if (token === undefined && !isLoopback(host)) {
    throw new BallastError('others reach this address, and there is no token', {
      code: 'AGENT_TOKEN',
      place: host,
      remedy: 'Put a secret into the environment variable BALLAST_BENCH_TOKEN, here and where benches are asked for',
    });
  }
  if (token !== undefined && token.length < 16) {
    throw new BallastError('the token is short enough to be guessed', {
      code: 'AGENT_TOKEN',
      remedy: 'Take 16 characters or more: openssl rand -hex 16',
    });
  }
  const children = new Set<ChildProcess>();
  const turns = new Turns();
  const server = createServer((request, response) => {
    void answer(request, response, options, () =>
      turns.take(
        () => tellWaiting(response),
        () => measure(request, response, options, children),
      ),
    );
  });
  await listen(server, host, port);
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${own}`,
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One action after the other: two measurements at once would measure each other. */
class Turns {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** @throws BallastError AGENT_BUSY where too many wait already */
  async take(onWait: () => void, action: () => Promise<void>): Promise<void> {
    if (this.#waiting > MOST_WAITING) {
      throw new BallastError('the agent has enough to measure', {
        code: 'AGENT_BUSY',
        kind: 'limit',
        remedy: 'Try again later',
      });
    }
    this.#waiting++;
    const before = this.#last;
    let done = (): void => {};
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    const patience = setTimeout(onWait, PATIENCE_MS);
    try {
      await before;
      clearTimeout(patience);
      await action();
    } finally {
      clearTimeout(patience);
      this.#waiting--;
      done();
    }
  }
}

const MOST_WAITING = 8;
/** Who waits longer is told so: clients give up on servers that say nothing. */
const PATIENCE_MS = 5000;

function tellWaiting(response: ServerResponse): void {
  begin(response);
  response.write(`${JSON.stringify({ tell: 'the agent is measuring another model' })}\n`);
}

function begin(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: AgentOptions,
  act: () => Promise<void>,
): Promise<void> {
  try {
    refuseStrangers(request, options);
    if (request.method !== 'POST' || request.url !== BENCH_PATH) {
      throw new BallastError('this agent only measures', {
        code: 'AGENT_PATH',
        kind: 'not-found',
        remedy: `POST ${BENCH_PATH}`,
      });
    }
    await act();
  } catch (error) {
    const known =
      error instanceof BallastError
        ? error
        : new BallastError(error instanceof Error ? error.message : String(error), {
            code: 'AGENT_FAULT',
            kind: 'environment',
          });
    if (!response.headersSent)
      response.writeHead(known.httpStatus, { 'content-type': 'application/x-ndjson', connection: 'close' });
    response.end(`${JSON.stringify({ error: { ...known.toJSON(), kind: known.kind } })}\n`);
  }
}

/** Refuses who does not know the token, and what pages in a browser could send (DNS rebinding, foreign origins). */
function refuseStrangers({ headers }: IncomingMessage, { token, host }: AgentOptions): void {
  const called = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d+)?$/i.exec(headers.host ?? '')?.[1]?.replace(/^\[|\]$/g, '') ?? '';
  if (token === undefined && called !== host && called !== 'localhost' && isIP(called) === 0) {
    throw new BallastError('this agent is not called by this name', {
      code: 'HOST_REFUSED',
      kind: 'forbidden',
      value: called,
    });
  }
  if (headers.origin !== undefined) {
    throw new BallastError('pages may not call this agent', { code: 'ORIGIN_REFUSED', kind: 'forbidden' });
  }
  if (token === undefined) return;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`))) return;
  throw new BallastError('the agent wants its token', {
    code: 'UNAUTHENTICATED',
    kind: 'unauthenticated',
    remedy: 'Put it into the environment variable BALLAST_BENCH_TOKEN',
  });
}

async function measure(
  request: IncomingMessage,
  response: ServerResponse,
  { limit, longestMs, tell }: AgentOptions,
  children: Set<ChildProcess>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-agent-'));
  try {
    const head = await receive(request, limit, async (subject) => {
      const own = join(folder, String(subject));
      await mkdir(own);
      return own;
    });
    const job = join(folder, 'job.json');
    await writeFile(job, JSON.stringify(head));
    tell?.(`measuring ${head.subjects.map(({ shown }) => shown).join(' against ')}`);
    begin(response);
    await runChild(job, response, longestMs, children);
    tell?.('done');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runChild(
  job: string,
  response: ServerResponse,
  longestMs: number,
  children: Set<ChildProcess>,
): Promise<void> {
  const program = childProgram('bench-child', import.meta.url);
  const child = spawn(process.execPath, [...loaderArguments(program), program, job], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, longestMs);
  // Who went away waits for nothing.
  response.on('close', () => child.kill('SIGKILL'));
  let said = '';
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-2);
    response.write(text);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (code === 0) {
      response.end();
      return;
    }
    const reason = late
      ? `it took more than ${longestMs / 1000} s`
      : said.trim().split('\n').at(-1) || `it ended by ${child.signalCode ?? code}`;
    // A part of a line that the process left.
    if (last !== '' && !last.endsWith('\n')) response.write('\n');
    throw new BallastError(`the measuring process did not end well: ${reason}`, {
      code: 'AGENT_CHILD',
      kind: 'environment',
    });
  } finally {
    clearTimeout(timer);
    children.delete(child);
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new BallastError('the agent cannot listen here', {
          code: 'AGENT_LISTEN',
          kind: 'environment',
          place: `${host}:${port}`,
          remedy: 'Choose another --port or --host',
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
