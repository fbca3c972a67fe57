import { createHmac, randomInt } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { BallastError } from '../../errors.js';
import { publicLookup, refusePrivateLiteral } from './private-address.js';

export interface PostOptions {
  /** Sent to addresses of this machine and its network too. Default false. */
  readonly allowPrivate?: boolean;
  /** Signs the body: `x-ballast-signature: t=SECONDS,v1=HEX`, HMAC-SHA256 of `SECONDS.BODY`. */
  readonly secret?: string;
  /** Default 10 s. */
  readonly timeoutMs?: number;
  /** How often it is tried again after a fault that may pass; default 2. */
  readonly retries?: number;
  /** Of the first pause, which doubles; default 500 ms. */
  readonly pauseMs?: number;
  readonly signal?: AbortSignal;
}

/** Answers whose reason may pass. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const MOST_ANSWER = 2000;

/**
 * Posts JSON. Redirects are not followed, so that no answer leads elsewhere; faults that may pass are tried again.
 *
 * @throws BallastError `TARGET_INVALID`, `TARGET_PRIVATE`, `TARGET_REFUSED`, `TARGET_UNREACHABLE`
 */
export async function postJson(target: string, document: unknown, options: PostOptions = {}): Promise<void> {
  const url = targetUrl(target);
  const { allowPrivate = false, retries = 2, pauseMs = 500 } = options;
  if (!allowPrivate) refusePrivateLiteral(url);
  const body = JSON.stringify(document);
  for (let attempt = 0; ; attempt++) {
    try {
      const { status, text } = await post(url, body, options);
      if (status >= 200 && status < 300) return;
      throw new BallastError(`it answered ${status}: ${text.trim().slice(0, 200) || 'nothing'}`, {
        code: 'TARGET_REFUSED',
        kind: 'environment',
        place: url.origin,
        value: status,
      });
    } catch (error) {
      const passing = error instanceof BallastError ? PASSING.has(Number(error.value)) : true;
      if (!passing || attempt >= retries || options.signal?.aborted === true) throw explain(error, url);
      await sleep(pauseMs * 2 ** attempt * (0.5 + randomInt(1000) / 1000), undefined, { signal: options.signal });
    }
  }
}

/** @throws BallastError `TARGET_INVALID` */
export function targetUrl(target: string): URL {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new BallastError('Telemetry and alerts are sent to http or https URLs', {
    code: 'TARGET_INVALID',
    value: target,
  });
}

function post(
  url: URL,
  body: string,
  { allowPrivate = false, secret, timeoutMs = 10_000, signal }: PostOptions,
): Promise<{ status: number; text: string }> {
  const seconds = Math.floor(Date.now() / 1000);
  const signature =
    secret === undefined
      ? {}
      : {
          'x-ballast-signature': `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`,
        };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...signature },
        agent: false,
        timeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        ...(allowPrivate ? {} : { lookup: publicLookup }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          if (text.length < MOST_ANSWER) text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    // Not of silence only: a peer that answers a byte at a time is cut off as well.
    const late = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('error', reject);
    request.on('close', () => clearTimeout(late));
    request.end(body);
  });
}

function explain(error: unknown, url: URL): BallastError {
  if (error instanceof BallastError) return error;
  return new BallastError(`it cannot be reached: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'TARGET_UNREACHABLE',
    kind: 'environment',
    place: url.origin,
    cause: error,
  });
}
