import { BallastError } from '../../errors.js';
import { Slices } from '../../monitoring/record/slices.js';
import type { AnswerUse } from '../../serving/model/model-runner.js';
import type { ServedVersion } from '../../serving/model/served-version.js';
import { observe } from '../../serving/service/observe.js';
import type { RolloutOptions } from '../../spec/rollout-options.js';
import type { Observation, StoredObservation } from '../../store/index.js';
import { begin, look, openOf } from '../look.js';
import { LEAST_TIMES, resolveRollout } from '../resolve.js';
import { alphaSpent, statusesOf, testsOf } from '../steps.js';
import { CALM, type SliStatus } from '../types.js';
import type { RecordedRequest, Recording } from './recorded.js';

export interface ReplaySubjects {
  readonly baseline: ServedVersion;
  readonly candidate: ServedVersion;
  readonly task?: 'classification' | 'regression';
}

export interface ReplayOptions {
  /** Its steps are passed over: there is one, in shadow, over all requests. */
  readonly options: RolloutOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

export interface ReplayReport {
  /** roll-back: proven to be worse than allowed; promote: shown not to be; hold: the requests do not tell. */
  readonly verdict: 'roll-back' | 'promote' | 'hold';
  readonly reason: string;
  /** Requests that both versions answered, and how many rows of them have a label. */
  readonly requests: number;
  readonly labelled: number;
  readonly slis: readonly SliStatus[];
  readonly alpha: number;
  readonly alphaSpent: number;
  /** Stopped before its end. */
  readonly interrupted: boolean;
}

/** Requests between looks. */
const TURN = 50;

/**
 * Makes requests again, each of both versions in turns that change, and judges the candidate as a rollout does in shadow: paired,
 * after every answer. It stops where a regression is proven. Nobody sees the answers, and nothing is written.
 *
 * @throws BallastError `REPLAY_EMPTY`, and those of requests that do not fit the inputs of a version
 */
export async function replay(
  { baseline, candidate, task }: ReplaySubjects,
  { requests, labels }: Recording,
  { options, signal, onProgress }: ReplayOptions,
): Promise<ReplayReport> {
  if (requests.length === 0) {
    throw new BallastError('There are no requests to replay', {
      code: 'REPLAY_EMPTY',
      place: baseline.name,
      remedy: 'Record some (ballast serve --record FILE) and name them with --requests FILE',
    });
  }
  const players = new Players(labels);
  const startedAt = Date.now();
  const [step] = options.steps;
  const config = resolveRollout(
    { ...options, mode: 'canary', steps: [{ ...step, weight: 0, watch: '1s' }] },
    {
      ...{ model: baseline.name, startedAt },
      ...{ baseline: String(baseline.version), candidate: String(candidate.version) },
      ...(task === undefined ? {} : { task }),
    },
    await warmUp(players, { baseline, candidate }, requests, startedAt),
  );
  let { state } = begin(config, { observations: 0, labels: 0 }, 'replay');
  let [done, labelled] = [0, 0];
  let regression: string | undefined;
  while (done < requests.length && regression === undefined && signal?.aborted !== true) {
    const observations: StoredObservation[] = [];
    for (const request of requests.slice(done, done + TURN)) {
      const arms = [{ version: baseline }, { version: candidate, beside: request.id }];
      for (const arm of done++ % 2 === 0 ? arms : arms.reverse()) {
        observations.push(...(await players.ask(request, arm, startedAt)));
      }
    }
    const withLabel = observations.filter(({ label }) => label !== undefined);
    labelled += withLabel.length / 2;
    // All in the one step: its time is not what is watched.
    const made = look(config, state, { at: startedAt, observations, labelled: withLabel, signals: CALM });
    state = made.state;
    regression = made.decisions.find(({ kind }) => kind === 'roll-back')?.reason;
    onProgress?.(done);
  }
  const open = openOf(config, 0, testsOf(config, state, 0));
  return {
    ...verdictOf(regression, open, done),
    requests: done,
    labelled,
    slis: statusesOf(config, state, 0),
    alpha: config.alpha,
    alphaSpent: alphaSpent(config, state),
    interrupted: signal?.aborted === true,
  };
}

function verdictOf(
  regression: string | undefined,
  open: readonly string[],
  requests: number,
): Pick<ReplayReport, 'verdict' | 'reason'> {
  if (regression !== undefined) return { verdict: 'roll-back', reason: regression };
  if (open.length > 0) return { verdict: 'hold', reason: open.join('; ') };
  return { verdict: 'promote', reason: `on ${requests} requests every SLI is within what is allowed` };
}

/** Answers of the baseline that are judged by nobody: of them the bound of the latency is taken. */
async function warmUp(
  players: Players,
  { baseline, candidate }: ReplaySubjects,
  requests: readonly RecordedRequest[],
  at: number,
): Promise<StoredObservation[]> {
  const ordered = [...requests].sort((a, b) => Number(players.isLabelled(b)) - Number(players.isLabelled(a)));
  const answers: StoredObservation[] = [];
  for (let i = 0; i < LEAST_TIMES; i++) {
    const request = ordered[i % ordered.length];
    answers.push(...(await players.ask(request, { version: baseline }, at)));
    await players.ask(request, { version: candidate, beside: request.id }, at);
  }
  return answers;
}

/** Makes requests of versions and notes the answers as a server would. */
class Players {
  readonly #labels: Recording['labels'];
  readonly #slices = new Slices();
  #sequence = 0;

  constructor(labels: Recording['labels']) {
    this.#labels = labels;
  }

  isLabelled({ id }: RecordedRequest): boolean {
    return this.#labels.has(id) || this.#labels.has(`${id}/0`);
  }

  async ask(
    request: RecordedRequest,
    { version, beside }: { readonly version: ServedVersion; readonly beside?: string },
    at: number,
  ): Promise<StoredObservation[]> {
    const rows: Observation[] = [];
    const sink = (row: Observation): void => void rows.push(row);
    const asked = {
      ...{ predictionId: request.id, at, version, metadata: request.metadata },
      ...(beside === undefined ? { role: 'live' as const } : { role: 'shadow' as const, beside }),
    };
    const feeds = request.feedsFor(version);
    const start = performance.now();
    try {
      const { feeds: checked, flags } = version.checks.apply(feeds);
      let use: AnswerUse | undefined;
      const used = (told: AnswerUse): void => {
        use = told;
      };
      const outputs = await version.runner.run(checked, version.answers.outputs, { again: false, used });
      observe(sink, asked, { latencyMs: performance.now() - start, use, feeds, outputs, flags });
    } catch (error) {
      observe(sink, asked, { latencyMs: performance.now() - start, feeds, error });
    }
    return rows.map((row) => {
      const sequence = ++this.#sequence;
      const value = this.#labels.get(row.beside ?? row.id);
      return {
        ...row,
        ...{ sequence, slices: this.#slices.of(row) },
        ...(value === undefined ? {} : { label: { value, knownAt: at, source: 'replay', sequence } }),
      };
    });
  }
}
