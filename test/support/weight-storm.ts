import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { derive, type Random } from '../../src/numeric/random.js';
import type { Store, TrafficShare } from '../../src/store/index.js';

export interface Storm {
  readonly store: Store;
  /** Of a model whose version v answers v times `x`. */
  readonly model: string;
  readonly versions: number;
  readonly url: string;
  /** Weight changes, roll-backs and killed processes. */
  readonly changes: number;
  readonly seed: number;
  /** Who ask, each the next after an answer. */
  readonly clients: number;
  /** From one change to the next, ms: uniform. */
  readonly everyMs: readonly [number, number];
  /** Processes that run models, of whichever version. */
  processes(): readonly number[];
  readonly tell?: (line: string) => void;
}

export interface StormReport {
  readonly weights: number;
  readonly rollBacks: number;
  readonly kills: number;
  readonly requests: number;
  /** What clients were told that were not answered, or wrongly. */
  readonly failed: readonly string[];
  readonly byVersion: Readonly<Record<string, number>>;
  /** The slowest answers, ms: 99 of 100 within, and the longest. */
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** Changes weights, rolls back and kills processes at random while clients ask. */
export async function storm(options: Storm): Promise<StormReport> {
  const { store, model, changes, seed, everyMs, processes, tell = () => {} } = options;
  const random = derive(seed, 'storm');
  const crowd = new Crowd(options);
  const counts = { weights: 0, rollBacks: 0, kills: 0 };
  let live = 1;
  for (let change = 0; change < changes; change++) {
    if (change % 50 === 0) tell(`${change} of ${changes} changes, ${crowd.failed.length} failed`);
    const kind = random.uniform();
    const running = kind < 0.35 ? processes() : [];
    if (running.length > 0) {
      kill(running[random.integer(running.length)]);
      counts.kills++;
    } else {
      const back = kind < 0.55;
      const shares = back ? [{ version: live, role: 'live' as const, weight: 1 }] : randomShares(random, options);
      live = shares.find(({ role }) => role === 'live')?.version ?? live;
      await store.setTraffic(model, { shares, reason: back ? 'roll-back' : 'storm' });
      counts[back ? 'rollBacks' : 'weights']++;
    }
    await wait(random.uniform(...everyMs));
  }
  return { ...counts, ...(await crowd.leave()) };
}

/**
 * Rolls back again and again from half of the traffic, while clients ask. Of each, the time in ms from asking the store for the change
 * until the last request arose that the candidate still answered.
 */
export async function rollBackTimes(
  options: Omit<Storm, 'changes' | 'everyMs' | 'processes'>,
  times: number,
): Promise<number[]> {
  const { store, model } = options;
  const crowd = new Crowd(options);
  const found: number[] = [];
  const [live, candidate] = [{ version: 1, role: 'live' } as const, { version: 2, role: 'candidate' } as const];
  const random = derive(options.seed, 'roll-backs');
  for (let i = 0; i < times; i++) {
    const shares = [
      { ...live, weight: 0.5 },
      { ...candidate, weight: 0.5 },
    ];
    const before = performance.now();
    await store.setTraffic(model, { shares, reason: 'half' });
    while (crowd.lastAskedOf('2') < before) await wait(20);
    await wait(random.uniform(0, 500));
    const start = performance.now();
    await store.setTraffic(model, { shares: [{ ...live, weight: 1 }], reason: 'roll-back' });
    // Longer than servers take to look, so that no later answer is missed.
    await wait(3000);
    found.push(Math.max(0, crowd.lastAskedOf('2') - start));
  }
  await crowd.leave();
  return found;
}

function randomShares(random: Random, { versions }: Storm): TrafficShare[] {
  const order = random.permutation(versions);
  const weight = random.uniform() < 0.2 ? 1 : 0.5 + 0.5 * random.uniform();
  const shares: TrafficShare[] = [{ version: order[0] + 1, role: 'live', weight }];
  if (weight < 1) shares.push({ version: order[1] + 1, role: 'candidate', weight: 1 - weight });
  if (random.uniform() < 0.7) shares.push({ version: order[2] + 1, role: 'shadow', weight: 1 });
  return shares;
}

function kill(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Answers that take longer are told of. */
const LONG_MS = 2000;

type CrowdOptions = Pick<Storm, 'url' | 'model' | 'clients' | 'tell'>;

/** Clients who ask, on connections that they keep. */
class Crowd {
  readonly failed: string[] = [];
  readonly #storm: CrowdOptions;
  readonly #agent: Agent;
  readonly #asking: Promise<void>[];
  readonly #byVersion = new Map<string, number>();
  readonly #latencies: number[] = [];
  readonly #lastAsked = new Map<string, number>();
  #done = false;

  constructor(options: CrowdOptions) {
    this.#storm = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.clients });
    this.#asking = Array.from({ length: options.clients }, () => this.#ask());
  }

  /** When the latest request was made that a version answered, on the clock of `performance.now`; before all time where there is none. */
  lastAskedOf(version: string): number {
    return this.#lastAsked.get(version) ?? Number.NEGATIVE_INFINITY;
  }

  async leave(): Promise<Pick<StormReport, 'requests' | 'failed' | 'byVersion' | 'p99Ms' | 'longestMs'>> {
    this.#done = true;
    await Promise.all(this.#asking);
    this.#agent.destroy();
    const sorted = this.#latencies.sort((a, b) => a - b);
    return {
      requests: sorted.length + this.failed.length,
      failed: this.failed,
      byVersion: Object.fromEntries([...this.#byVersion].sort(([a], [b]) => Number(a) - Number(b))),
      p99Ms: sorted[Math.floor(0.99 * (sorted.length - 1))] ?? Number.NaN,
      longestMs: sorted.at(-1) ?? Number.NaN,
    };
  }

  async #ask(): Promise<void> {
    for (let i = 1; !this.#done; i++) {
      const start = performance.now();
      try {
        const { status, body } = await this.#post(i);
        const { model_version: version, outputs } = JSON.parse(body) as {
          model_version: string;
          outputs?: [{ data: number[] }];
        };
        if (status !== 200 || outputs?.[0].data[0] !== i * Number(version)) {
          this.#fail(`${status} ${body}`);
          continue;
        }
        const ms = performance.now() - start;
        this.#latencies.push(ms);
        if (ms > LONG_MS)
          this.#storm.tell?.(`${new Date().toISOString()} took ${ms.toFixed(0)} ms, version ${version}`);
        this.#lastAsked.set(version, Math.max(start, this.lastAskedOf(version)));
        this.#byVersion.set(version, (this.#byVersion.get(version) ?? 0) + 1);
      } catch (error) {
        this.#fail(String(error));
      }
    }
  }

  #fail(why: string): void {
    this.failed.push(why);
    this.#storm.tell?.(`failed: ${why}`);
  }

  #post(x: number): Promise<{ status: number; body: string }> {
    const { url, model } = this.#storm;
    const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [x] }] });
    return new Promise((resolve, reject) => {
      const sent = request(`${url}/v2/models/${model}/infer`, {
        method: 'POST',
        agent: this.#agent,
        headers: { 'content-type': 'application/json', 'content-length': body.length },
      });
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
