import { derive, type Random } from '../../src/numeric/random.js';
import type { NewLabel, SlicedObservation } from '../../src/store/index.js';

/** How a version behaves; shares and times may follow the time since its first request, in ms, and the slice. */
export interface Behaviour {
  wrong?(slice: string, ms: number): number;
  failed?(ms: number): number;
  latencyMs?(ms: number): number;
  /** Added to the confidence that would be calibrated. */
  overconfidence?: number;
  /** Of what is answered, whatever is asked. */
  always?: string;
}

export interface SimulatedTraffic {
  readonly model: string;
  readonly baseline: { readonly version: string; readonly behaviour: Behaviour };
  readonly candidate: { readonly version: string; readonly behaviour: Behaviour };
  readonly seed: number;
  /** Requests a second. */
  readonly rate: number;
  /** Share of requests whose label comes, and how late. */
  readonly labels: { readonly share: number; readonly delayMs: number };
}

const DEVICES = ['phone', 'tablet', 'desk'];
const CLASSES = ['cat', 'dog', 'owl'];

/** Requests of a model with two versions, second by second: the same seed and weights give the same traffic. */
export class Simulation {
  private count = 0;
  private readonly first = new Map<string, number>();
  private labels: NewLabel[] = [];

  constructor(private readonly traffic: SimulatedTraffic) {}

  /** What is observed in one second from `at`, and the labels that become known in it. */
  second(at: number, weight: number, shadow: boolean): { observations: SlicedObservation[]; labels: NewLabel[] } {
    const { rate, baseline, candidate, labels, seed, model } = this.traffic;
    const observations: SlicedObservation[] = [];
    for (let i = 0; i < rate; i++) {
      const number = this.count++;
      const random = derive(seed, model, number);
      const time = at + Math.floor((1000 * i) / rate);
      const truth = CLASSES[random.integer(CLASSES.length)];
      const device = DEVICES[random.integer(DEVICES.length)];
      const amount = random.normal();
      const chosen = random.uniform() < weight ? candidate : baseline;
      const id = `${model}-${number}`;
      const request = { time, truth, device, amount };
      observations.push(this.answer(chosen, request, id, chosen === candidate ? 'candidate' : 'live', random));
      if (shadow) {
        const beside = this.answer(candidate, request, `${id}~${candidate.version}`, 'shadow', random);
        observations.push({ ...beside, beside: id });
      }
      if (random.uniform() < labels.share) {
        this.labels.push({ id, label: truth, knownAt: time + labels.delayMs, source: 'truth' });
      }
    }
    const known = this.labels.filter(({ knownAt }) => knownAt < at + 1000);
    this.labels = this.labels.filter(({ knownAt }) => knownAt >= at + 1000);
    return { observations, labels: known };
  }

  private answer(
    { version, behaviour }: SimulatedTraffic['baseline'],
    { time, truth, device, amount }: { time: number; truth: string; device: string; amount: number },
    id: string,
    role: SlicedObservation['role'],
    random: Random,
  ): SlicedObservation {
    if (!this.first.has(version)) this.first.set(version, time);
    const ms = time - (this.first.get(version) ?? time);
    const slices = [`device=${device}`];
    const { wrong = () => 0.05, failed = () => 0.001, latencyMs = () => 20, overconfidence = 0, always } = behaviour;
    const base = {
      ...{ id, at: time, model: this.traffic.model, version, regularizerId: `rg-${version}`, role, slices },
      features: { amount },
      flags: [],
      metadata: { device },
      latencyMs: latencyMs(ms) * Math.exp(0.3 * random.normal()),
    };
    if (random.uniform() < failed(ms)) return { ...base, status: 'failed', fault: 'crashed' };
    const right = random.uniform() >= wrong(device, ms);
    const others = CLASSES.filter((each) => each !== truth);
    const prediction = always ?? (right ? truth : others[random.integer(others.length)]);
    const confidence = Math.min(0.999, 1 - wrong(device, ms) + overconfidence);
    const rest = (1 - confidence) / (CLASSES.length - 1);
    return {
      ...base,
      status: 'ok',
      prediction,
      scores: CLASSES.map((each) => (each === prediction ? confidence : rest)),
    };
  }
}
