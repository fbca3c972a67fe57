import { BallastError } from '../../errors.js';

/** What a client may ask of a server. */
export interface RequestLimits {
  /** Bytes of a request. */
  readonly bodyBytes: number;
  /** Requests a second of one client, on average; it may send as many at once. 0 for any number. */
  readonly perSecond: number;
  /** Requests under way, of all clients. */
  readonly concurrent: number;
}

/** Clients whose pace is known; those that were longest silent are forgotten first. */
const MOST_CLIENTS = 10_000;

/** Holds clients to a pace, and all of them to a number at once. */
export class Gate {
  readonly #limits: RequestLimits;
  /** Requests that a client may still send, and when that was so; in the order of their last requests. */
  readonly #left = new Map<string, { tokens: number; at: number }>();
  #underWay = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Lets a request in; the caller says when it is over.
   *
   * @throws BallastError `RATE_LIMITED`, `OVERLOADED`
   */
  enter(client: string, now = performance.now()): () => void {
    const { concurrent } = this.#limits;
    if (this.#underWay >= concurrent) {
      throw new BallastError(`${concurrent} requests are under way already`, {
        code: 'OVERLOADED',
        kind: 'environment',
        remedy: 'Try again later.',
      });
    }
    this.#keepPace(client, now);
    this.#underWay++;
    let left = false;
    return () => {
      if (!left) this.#underWay--;
      left = true;
    };
  }

  #keepPace(client: string, now: number): void {
    const { perSecond } = this.#limits;
    if (perSecond === 0) return;
    const most = Math.max(1, perSecond);
    const before = this.#left.get(client);
    const tokens = before === undefined ? most : Math.min(most, before.tokens + ((now - before.at) / 1000) * perSecond);
    this.#left.delete(client);
    this.#left.set(client, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    if (this.#left.size > MOST_CLIENTS) {
      for (const oldest of this.#left.keys()) {
        this.#left.delete(oldest);
        break;
      }
    }
    if (tokens >= 1) return;
    throw new BallastError(`This client may send ${perSecond} requests a second`, {
      code: 'RATE_LIMITED',
      kind: 'limit',
      value: client,
      remedy: `Try again in ${Math.ceil((1 - tokens) / perSecond)} s.`,
    });
  }
}
