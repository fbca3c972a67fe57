import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { BallastError } from '../../errors.js';

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  /** Below the server's address: `v2/models/m/infer`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly timeoutMs: number;
}

/** The largest answer that is taken, bytes. */
const MOST_BYTES = 1 << 28;

/** Another server of the Open Inference Protocol, over connections that are kept. */
export class Upstream {
  readonly #base: URL;
  readonly #agent: HttpAgent;

  /** @throws BallastError `UPSTREAM_INVALID` */
  constructor(address: string) {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new BallastError('This is no address of a server', {
        code: 'UPSTREAM_INVALID',
        value: address,
        remedy: 'Write http://HOST:PORT, without /v2.',
      });
    }
    this.#base = new URL(url.href.replace(/\/*$/, '/'));
    const options = { keepAlive: true };
    this.#agent = url.protocol === 'http:' ? new HttpAgent(options) : new HttpsAgent(options);
  }

  /** Without its credentials. */
  get origin(): string {
    return this.#base.origin;
  }

  /**
   * A connection that was kept, and that the server closed just then, is tried again once on a new one.
   *
   * @throws BallastError `UPSTREAM_UNREACHABLE`, `UPSTREAM_FAILED`, `REQUEST_TIMEOUT`
   */
  async ask(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const until = performance.now() + request.timeoutMs;
    try {
      return await this.#send(request);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return this.#send({ ...request, timeoutMs: until - performance.now() });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send({ method, path, headers = {}, body, timeoutMs }: UpstreamRequest): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      const send = this.#base.protocol === 'http:' ? httpRequest : httpsRequest;
      const length = body === undefined ? {} : { 'content-length': String(body.byteLength) };
      const sent = send(new URL(path, this.#base), { method, agent: this.#agent, headers: { ...headers, ...length } });
      const late = setTimeout(() => sent.destroy(this.#late()), Math.max(1, timeoutMs));
      sent.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(late);
        if (error instanceof BallastError) reject(error);
        else if (sent.reusedSocket && error.code === 'ECONNRESET') reject(new StaleConnection());
        else reject(this.#unreachable(error));
      });
      sent.on('response', (response) => {
        const pieces: Buffer[] = [];
        let bytes = 0;
        response.on('data', (piece: Buffer) => {
          bytes += piece.byteLength;
          if (bytes > MOST_BYTES) sent.destroy(this.#failed(`its answer is larger than ${MOST_BYTES} bytes`));
          else pieces.push(piece);
        });
        response.on('error', (error) => {
          clearTimeout(late);
          reject(error instanceof BallastError ? error : this.#unreachable(error));
        });
        response.on('end', () => {
          clearTimeout(late);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) });
        });
      });
      sent.end(body);
    });
  }

  #late(): BallastError {
    return new BallastError('The server that is watched did not answer in time', {
      code: 'REQUEST_TIMEOUT',
      kind: 'environment',
      place: this.origin,
      remedy: 'Try again later.',
    });
  }

  #failed(message: string): BallastError {
    return new BallastError(`The server that is watched failed: ${message}`, {
      code: 'UPSTREAM_FAILED',
      kind: 'environment',
      place: this.origin,
    });
  }

  #unreachable(cause: NodeJS.ErrnoException): BallastError {
    return new BallastError(`The server that is watched cannot be reached: ${cause.code ?? cause.message}`, {
      code: 'UPSTREAM_UNREACHABLE',
      kind: 'environment',
      place: this.origin,
      remedy: 'Is it running, and is this its address?',
      cause,
    });
  }
}

class StaleConnection extends Error {}
