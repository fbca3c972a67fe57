import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { BallastError, type ErrorKind } from '../../errors.js';
import { externalFiles } from '../../graph/format/external-files.js';
import { recordsOf } from '../../graph/tensor-record.js';
import type { BenchReport, BenchSubject } from '../measure/bench.js';
import type { PairedRatio } from '../measure/latency.js';
import { BENCH_PATH } from './agent.js';
import type { Head } from './wire.js';

export interface RemoteBench {
  readonly reports: readonly BenchReport[];
  /** Time of the first over that of the second. */
  readonly ratio: PairedRatio | null;
}

export interface RemoteOptions {
  readonly settings: Head['settings'];
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

/**
 * Has one model, or two in turns, measured by the agent at an address.
 *
 * @throws BallastError REMOTE_*, and what the agent says
 */
export async function benchRemotely(
  url: string,
  subjects: readonly BenchSubject[],
  { settings, token, signal, tell }: RemoteOptions,
): Promise<RemoteBench> {
  const parts: string[] = [];
  const described: Head['subjects'] = [];
  for (const { path, feeds } of subjects) {
    const paths = [path, ...(await dataFiles(path))];
    const files = await Promise.all(
      paths.map(async (each) => ({ name: basename(each), bytes: (await stat(each)).size })),
    );
    // The name on this machine is nobody's business there.
    files[0].name = 'model.onnx';
    described.push({ shown: basename(path), files, feeds: recordsOf(feeds) });
    parts.push(...paths);
  }
  const head = Buffer.from(JSON.stringify({ version: 1, settings, subjects: described } satisfies Head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield length;
    yield head;
    for (const path of parts) yield* createReadStream(path);
  }
  const response = await ask(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: Readable.toWeb(Readable.from(body())) as ReadableStream<Uint8Array>,
    duplex: 'half',
    redirect: 'error',
    ...(signal === undefined ? {} : { signal }),
  });
  return outcome(url, response, tell);
}

async function dataFiles(path: string): Promise<string[]> {
  const names = externalFiles(await readFile(path));
  const nested = names.find((name) => dirname(name) !== '.');
  if (nested === undefined) return names.map((name) => join(dirname(path), name));
  throw new BallastError(`the model keeps its data in a folder, "${nested}"`, {
    code: 'REMOTE_EXTERNAL',
    place: path,
    remedy: 'Write it again with its data in one file (ballast compress MODEL --method clean --out FILE)',
  });
}

async function ask(url: string, request: RequestInit): Promise<Response> {
  const target = /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(BENCH_PATH, url) : undefined;
  if (target === undefined) {
    throw new BallastError('this is no address of an agent', {
      code: 'REMOTE_ADDRESS',
      place: '--remote',
      value: url,
      remedy: 'Write http://HOST:PORT as ballast bench --agent prints it',
    });
  }
  try {
    return await fetch(target, request);
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    throw unreachable(url, cause);
  }
}

async function outcome(url: string, response: Response, tell: RemoteOptions['tell']): Promise<RemoteBench> {
  if (response.body === null) throw unreachable(url, undefined);
  const lines = createInterface({ input: Readable.fromWeb(response.body as import('node:stream/web').ReadableStream) });
  for await (const line of lines) {
    const said = documentOf(line, url);
    if (said.tell !== undefined) tell?.(said.tell);
    if (said.error !== undefined) throw faultOf(said.error, url);
    if (said.reports !== undefined) return { reports: said.reports, ratio: said.ratio ?? null };
  }
  throw unreachable(url, new Error('it ended without an answer'));
}

interface Said {
  readonly tell?: string;
  readonly error?: { code: string; message: string; kind?: ErrorKind; place?: string; remedy?: string };
  readonly reports?: readonly BenchReport[];
  readonly ratio?: PairedRatio | null;
}

function documentOf(line: string, url: string): Said {
  try {
    return JSON.parse(line) as Said;
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

function faultOf({ code, message, kind, remedy }: NonNullable<Said['error']>, url: string): BallastError {
  return new BallastError(message, {
    code,
    place: url,
    ...(kind === undefined ? {} : { kind }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

function unreachable(url: string, cause: unknown): BallastError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? `: ${inner.message}` : '';
  return new BallastError(`no agent answers${reason}`, {
    code: 'REMOTE_UNREACHABLE',
    kind: 'environment',
    place: url,
    remedy: 'Start one on the device: ballast bench --agent --host ADDRESS',
    cause,
  });
}
