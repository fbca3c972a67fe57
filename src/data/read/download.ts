import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BallastError } from '../../errors.js';
import { tooLarge } from './budget.js';
import { fileFault, systemCode } from './faults.js';
import { limitBytes } from './gunzip.js';
import type { Scratch } from './scratch.js';

/**
 * Streams an http(s) resource into a temporary file and returns its path. Redirects are followed. A server that is
 * silent for `timeoutMs`, and a body of more than `limit` bytes, end it.
 */
export async function download(url: URL, scratch: Scratch, limit: number, timeoutMs: number): Promise<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), timeoutMs);
  const place = displayed(url);
  const target = await scratch.path(basename(decodeURIComponent(url.pathname)) || 'download');
  try {
    const response = await fetch(url, { signal: silence.signal, redirect: 'follow' });
    if (!response.ok) throw refused(place, response.status);
    const declared = Number(response.headers.get('content-length') ?? 0);
    if (declared > limit) throw tooLarge(place, declared, limit);
    if (response.body === null) throw refused(place, response.status);
    const body = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream<Uint8Array>);
    body.on('data', () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), timeoutMs);
    });
    await pipeline(body, limitBytes(limit, place), createWriteStream(target));
    return target;
  } catch (error) {
    if (error instanceof BallastError) throw error;
    if (silence.signal.aborted) {
      throw new BallastError(`the server was silent for ${timeoutMs} ms`, {
        code: 'DATA_DOWNLOAD_TIMEOUT',
        kind: 'environment',
        place,
        remedy: 'Try again later, or download the file yourself.',
        cause: error,
      });
    }
    if (systemCode(error) !== undefined && !(error instanceof TypeError)) throw fileFault(error, target);
    throw new BallastError(`the download failed: ${reason(error)}`, {
      code: 'DATA_DOWNLOAD_FAILED',
      kind: 'environment',
      place,
      remedy: 'Check the address and the network.',
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

function refused(place: string, status: number): BallastError {
  return new BallastError(`the server answered ${status}`, {
    code: 'DATA_DOWNLOAD_REFUSED',
    kind: status === 404 || status === 410 ? 'not-found' : status >= 500 ? 'environment' : 'input',
    place,
    remedy: 'Check the address; a private file needs a presigned one.',
  });
}

/** The URL without what may be secret: credentials and query. */
function displayed(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
