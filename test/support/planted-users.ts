import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { derive, type Random } from '../../src/numeric/random.js';
import { NOISE } from './planted-models.js';

/** An answer that a user saw, or did not see. */
export interface Seen {
  readonly at: number;
  /** Of the answer; of a failure unknown. */
  readonly version: string | undefined;
  readonly ms: number;
  readonly failed: boolean;
  /** Another answer than the baseline's. */
  readonly otherwise: boolean;
}

interface Body {
  readonly model_version: string;
  readonly parameters: { readonly prediction_id: string };
  readonly outputs: readonly [{ readonly data: readonly number[] }];
}

/** Users of a planted model, who tell the truth of what they asked soon after. */
export class PlantedUsers {
  readonly seen: Seen[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #working: Promise<void>[];
  #labels: { id: string; label: string }[] = [];
  #tick = 0;
  #done = false;

  constructor(
    private readonly url: string,
    private readonly model: string,
    { count, pauseMs }: { readonly count: number; readonly pauseMs: number },
  ) {
    this.#working = Array.from({ length: count }, (_, user) => this.#work(derive(7, 'user', user), pauseMs));
  }

  /** What leaks by the number of requests begins anew. */
  restart(): void {
    this.#tick = 0;
  }

  async more(count: number): Promise<void> {
    const until = this.seen.length + count;
    while (this.seen.length < until) await wait(20);
  }

  async stop(): Promise<void> {
    this.#done = true;
    await Promise.all(this.#working);
    this.#agent.destroy();
  }

  async #work(random: Random, pauseMs: number): Promise<void> {
    while (!this.#done) {
      const x = random.normal();
      const device = random.uniform() < 0.4 ? 'phone' : 'desk';
      const columns = { x, phone: device === 'phone' ? 1 : 0, tick: this.#tick++ };
      const at = Date.now();
      const start = performance.now();
      const { status, text } = await this.#post(`/v2/models/${this.model}/infer`, {
        parameters: { device },
        inputs: Object.entries(columns).map(([name, value]) => ({
          ...{ name, shape: [1, 1], datatype: 'FP32', data: [value] },
        })),
      });
      const ms = performance.now() - start;
      const right = x > 0 ? 'yes' : 'no';
      if (status === 200) {
        const { model_version: version, parameters, outputs } = JSON.parse(text) as Body;
        const [yes, no] = outputs[0].data;
        this.seen.push({ at, version, ms, failed: false, otherwise: (yes > no ? 'yes' : 'no') !== right });
        const label = random.uniform() < NOISE ? (right === 'yes' ? 'no' : 'yes') : right;
        this.#labels.push({ id: parameters.prediction_id, label });
        if (this.#labels.length >= 40) {
          await this.#post('/api/v1/labels', { labels: this.#labels.splice(0) });
        }
      } else this.seen.push({ at, version: undefined, ms, failed: true, otherwise: true });
      await wait(pauseMs);
    }
  }

  #post(path: string, document: object): Promise<{ status: number; text: string }> {
    const body = JSON.stringify(document);
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, {
        ...{ method: 'POST', agent: this.#agent },
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
