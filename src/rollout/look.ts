import type { StoredObservation } from '../store/index.js';
import { needsLabel } from './evidence/measures.js';
import type { StepTest } from './evidence/step-test.js';
import { atMostMs, comparisonOf, leastSamples, statusesOf, TRAFFIC, testsOf, watchMs } from './steps.js';
import {
  CALM,
  type Decision,
  type DecisionKind,
  type LookInputs,
  type PendingAnswer,
  type RolloutConfig,
  type RolloutState,
  type StepState,
} from './types.js';

/** The state that a rollout begins in, and its first decision. */
export function begin(config: RolloutConfig, cursor: RolloutState['cursor'], by: string): Transition {
  const state: RolloutState = {
    phase: 'running',
    step: 0,
    steps: [newStep(config.startedAt)],
    at: config.startedAt,
    looks: 0,
    cursor,
    labelled: [],
    pending: {},
  };
  const { baseline, candidate } = config;
  return decide(config, state, 'start', `version ${candidate} beside ${baseline}`, { by });
}

/** A new state, and what was decided on the way to it. */
export interface Transition {
  readonly state: RolloutState;
  readonly decisions: readonly Decision[];
}

/**
 * One look: the answers and labels that came are weighed one by one, in their order, and a regression that is proven rolls back at
 * that very answer; then time, samples, signals decide. It is a function of its arguments alone: the same inputs give the same
 * decisions, whoever computes them and however often.
 */
export function look(config: RolloutConfig, before: RolloutState, inputs: LookInputs): Transition {
  if (isOver(before)) return { state: before, decisions: [] };
  const at = Math.max(before.at, inputs.at);
  const spent = at - before.at;
  const fold = new Fold(config, before);
  const regression = fold.read(inputs);
  const { signals } = inputs;
  const state: RolloutState = { ...fold.state, at, looks: before.looks + 1, burn: signals.burn };
  const told = { signals };
  if (regression !== undefined) return decide(config, state, 'roll-back', regression, told);
  if (state.phase === 'complete') return watched(config, state, inputs);
  const costs = costOf(config, state, inputs);
  if (costs !== undefined) return decide(config, state, 'roll-back', costs, told);
  const atFull = config.steps[state.step].weight === 1;
  if (atFull && (signals.breached.length > 0 || signals.drifted.length > 0)) {
    return decide(config, state, 'roll-back', [...signals.breached, ...signals.drifted].join('; '), told);
  }
  const { pauseAbove } = config.budget;
  if (state.phase === 'running' && signals.burn > pauseAbove) {
    const reason = `the error budget burns at ${signals.burn.toFixed(1)} times its rate (limit ${pauseAbove})`;
    return decide(config, { ...state, pausedBy: 'budget' }, 'pause', reason, told);
  }
  if (state.phase === 'paused' && state.pausedBy === 'budget' && signals.burn <= 1 && signals.remaining > 0) {
    return decide(config, withoutPause(state), 'resume', 'the error budget no longer burns', told);
  }
  if (state.phase !== 'running') return { state, decisions: [] };
  return advance(config, passTime(state, spent, signals.burn), inputs, fold.tests(state.step));
}

/** Whether nothing will be decided any more. */
export function isOver({ phase }: RolloutState): boolean {
  return phase === 'rolled-back' || phase === 'aborted';
}

/** Of a running rollout: whether its step is done, and how. */
function advance(
  config: RolloutConfig,
  state: RolloutState,
  { signals, actsAt }: LookInputs,
  tests: ReadonlyMap<string, StepTest>,
): Transition {
  const step = config.steps[state.step];
  const { watchedMs, elapsedMs } = state.steps[state.step];
  const told = { signals };
  const open = openOf(config, state.step, tests);
  const done = watchedMs >= watchMs(step);
  const skewed = tests.get(TRAFFIC)?.refuted;
  if (done && open.length === 0 && skewed === undefined) {
    if (config.mode === 'ab' && state.step === config.steps.length - 1) {
      return decide(config, { ...state, completedAt: state.at }, 'result', resultOf(config, state), told);
    }
    const reason = `watched for ${Math.round(watchedMs / 1000)} s; every SLI is within what is allowed`;
    if (state.step === config.steps.length - 1) {
      return decide(config, { ...state, completedAt: state.at }, 'complete', reason, told);
    }
    return promoted(config, state, reason, told, actsAt);
  }
  if (elapsedMs < atMostMs(step) && !(done && skewed !== undefined)) return { state, decisions: [] };
  const reason =
    skewed === undefined
      ? `after ${Math.round(elapsedMs / 1000)} s: ${open.join('; ')}`
      : `the arms do not see the same traffic (${skewed.part}): split at random, or by a key that does not depend on it`;
  if (config.mode === 'ab' && skewed === undefined) {
    return decide(config, { ...state, completedAt: state.at }, 'result', resultOf(config, state), told);
  }
  const kind = config.onInconclusive === 'roll-back' ? 'roll-back' : 'inconclusive';
  return decide(config, state, kind, reason, told);
}

/** What an SLI of a step lacks before it may be promoted. */
export function openOf(config: RolloutConfig, number: number, tests: ReadonlyMap<string, StepTest>): string[] {
  const step = config.steps[number];
  const demanded = config.slis.some(({ type, required }) => required !== 'none' && tests.has(type));
  // Where no SLI demands anything, the candidate has to have been met all the same.
  if (!demanded && ![...tests].some(([type, test]) => test.samples >= leastSamples(step, type))) {
    return [`the candidate has fewer than ${step.samples} answers`];
  }
  return config.slis.flatMap(({ type, required }) => {
    const test = tests.get(type);
    if (test === undefined || required === 'none') return [];
    const least = leastSamples(step, type);
    if (test.samples < least) return [`${type} has ${test.samples} of ${least} samples`];
    // Without the other arm there is no difference to show.
    const toShow = required === 'shown' && comparisonOf(step) !== 'alone';
    return toShow && !test.shownWithin ? [`${type} is not shown to be within what is allowed`] : [];
  });
}

/** The next step begins. */
function promoted(
  config: RolloutConfig,
  state: RolloutState,
  reason: string,
  told: DecisionOptions,
  from = state.at,
): Transition {
  const made = decide(config, state, 'promote', reason, told);
  const { step, steps } = made.state;
  return { ...made, state: { ...made.state, at: from, step: step + 1, steps: [...steps, newStep(from)] } };
}

/** After the last step: rolled back on a breach or drift within the guard time. */
function watched(config: RolloutConfig, state: RolloutState, { signals }: LookInputs): Transition {
  const found = [...signals.breached, ...signals.drifted];
  if (found.length === 0 || (config.mode === 'ab' && state.taken !== true)) return { state, decisions: [] };
  return decide(config, state, 'roll-back', found.join('; '), { signals });
}

/** What an operator asks for. */
export type Command = 'pause' | 'resume' | 'promote' | 'abort' | 'roll-back';

/**
 * A command of an operator; what does not fit the state is told why.
 *
 * @returns the transition, or why not
 */
export function command(
  config: RolloutConfig,
  state: RolloutState,
  asked: Command,
  { at, by, reason }: { readonly at: number; readonly by: string; readonly reason: string },
): Transition | string {
  const now = { ...state, at: Math.max(state.at, at) };
  const told = { by };
  if (isOver(state)) return `it is over: ${state.phase}`;
  switch (asked) {
    case 'pause':
      if (state.phase !== 'running') return `it is ${state.phase}`;
      return decide(config, { ...now, pausedBy: 'operator' }, 'pause', reason, told);
    case 'resume':
      if (state.phase !== 'paused') return `it is ${state.phase}, not paused`;
      return decide(config, withoutPause(now), 'resume', reason, told);
    case 'promote':
      if (state.phase === 'complete') {
        if (config.mode !== 'ab' || state.taken === true) return 'it is complete';
        return decide(config, { ...now, taken: true, completedAt: now.at }, 'complete', reason, told);
      }
      if (state.step === config.steps.length - 1) {
        return decide(config, { ...withoutPause(now), completedAt: now.at }, 'complete', reason, told);
      }
      return promoted(config, withoutPause(now), reason, told);
    case 'abort':
      return decide(config, withoutPause(now), 'abort', reason, told);
    case 'roll-back':
      return decide(config, withoutPause(now), 'roll-back', reason, told);
  }
}

const PHASES = {
  start: 'running',
  promote: 'running',
  resume: 'running',
  complete: 'complete',
  result: 'complete',
  'roll-back': 'rolled-back',
  inconclusive: 'inconclusive',
  pause: 'paused',
  abort: 'aborted',
} as const satisfies Record<DecisionKind, RolloutState['phase']>;

interface DecisionOptions {
  readonly by?: string;
  readonly signals?: Decision['signals'];
}

function decide(
  config: RolloutConfig,
  state: RolloutState,
  kind: DecisionKind,
  reason: string,
  { by = 'controller', signals = CALM }: DecisionOptions,
): Transition {
  const { at, step, cursor } = state;
  const decision = { at, kind, step, reason, by, slis: statusesOf(config, state, step), signals, cursor };
  return { state: { ...state, phase: PHASES[kind] }, decisions: [decision] };
}

function withoutPause(state: RolloutState): RolloutState {
  const { pausedBy: _, ...rest } = state;
  return rest;
}

function newStep(startedAt: number): StepState {
  return { startedAt, watchedMs: 0, elapsedMs: 0, tests: {} };
}

/** Time goes slower where the error budget burns faster than its rate. */
function passTime(state: RolloutState, ms: number, burn: number): RolloutState {
  const steps = state.steps.map((step, number) =>
    number === state.step
      ? { ...step, watchedMs: step.watchedMs + ms / Math.max(1, burn), elapsedMs: step.elapsedMs + ms }
      : step,
  );
  return { ...state, steps };
}

/** Whether what the candidate did worse than the baseline is more than the rollout's share of the error budget. */
function costOf(config: RolloutConfig, { steps }: RolloutState, { signals }: LookInputs): string | undefined {
  for (const [type, allowed] of Object.entries(signals.allowed)) {
    let excess = 0;
    for (const [number, { tests }] of steps.entries()) {
      const arms = tests[type]?.whole?.arms;
      // A shadow's answers reach nobody.
      if (arms === undefined || comparisonOf(config.steps[number]) !== 'split' || arms.baseline.values === 0) continue;
      const { baseline, candidate } = arms;
      excess += candidate.sum - (candidate.values * baseline.sum) / baseline.values;
    }
    if (excess > Math.max(LEAST_COST, config.budget.share * allowed)) {
      return `${type}: ${excess.toFixed(0)} more bad answers than of the baseline, of ${(config.budget.share * allowed).toFixed(0)} that its share of the error budget allows`;
    }
  }
  return undefined;
}

/** Fewer bad answers than this are no reason to roll back, however small the budget. */
const LEAST_COST = 10;

function resultOf(config: RolloutConfig, state: RolloutState): string {
  return statusesOf(config, state, state.step, false)
    .filter(({ delta }) => delta !== null)
    .map(({ name, delta, interval }) => {
      const verdict = interval[1] < 0 ? 'better' : interval[0] > 0 ? 'worse' : 'no difference shown';
      return `${name} ${delta?.toFixed(4)} [${interval.map((end) => end.toFixed(4)).join(', ')}]: ${verdict}`;
    })
    .join('; ');
}

/** Reads observations into the tests of the steps that they came in. */
class Fold {
  private readonly config: RolloutConfig;
  private readonly before: RolloutState;
  private readonly opened = new Map<number, Map<string, StepTest>>();
  private readonly pending: Map<string, PendingAnswer>;
  private readonly labelled: [number, number][];
  private cursor: { observations: number; labels: number };

  constructor(config: RolloutConfig, before: RolloutState) {
    this.config = config;
    this.before = before;
    this.pending = new Map(Object.entries(before.pending));
    this.labelled = before.labelled.map(([first, last]) => [first, last]);
    this.cursor = { ...before.cursor };
  }

  /** @returns why to roll back, where a regression is proven */
  read({ observations, labelled, at }: LookInputs): string | undefined {
    for (const each of observations) {
      this.cursor.observations = each.sequence;
      const found = this.take(each, false);
      if (found !== undefined) return found;
    }
    for (const each of labelled) {
      this.cursor.labels = each.label?.sequence ?? this.cursor.labels;
      if (!this.mark(each.sequence)) continue;
      const found = this.take(each, true);
      if (found !== undefined) return found;
    }
    this.forget(at);
    return undefined;
  }

  private take(observation: StoredObservation, labelled: boolean): string | undefined {
    const { config } = this;
    const { version, role } = observation;
    const arm = version === config.baseline ? 'baseline' : version === config.candidate ? 'candidate' : undefined;
    const number = this.stepAt(observation.at);
    if (arm === undefined || number === undefined) return undefined;
    const kind = comparisonOf(config.steps[number]);
    // A shadow's answers count in shadow, those that users saw in the other steps.
    if (
      (arm === 'candidate' && (kind === 'paired') !== (role === 'shadow')) ||
      (arm === 'baseline' && role === 'shadow')
    ) {
      return undefined;
    }
    const tests = [...this.tests(number)].filter(([type]) => needsLabel(type) === labelled);
    if (kind !== 'paired') {
      for (const [type, test] of tests) {
        test.single(observation.id, arm, observation);
        if (test.refuted !== undefined && type !== TRAFFIC) return regressionOf(type, test, number);
      }
      return undefined;
    }
    // Memory is of one process, whatever the other was asked.
    const memory = labelled ? undefined : this.tests(number).get('memory');
    memory?.single(observation.id, arm, observation);
    if (memory?.refuted !== undefined) return regressionOf('memory', memory, number);
    const id = observation.beside ?? observation.id;
    const key = `${labelled ? 'label' : 'answer'} ${id}`;
    const other = this.pending.get(key);
    if (other === undefined || other.arm === arm) {
      const { at, status, latencyMs, runMs, prediction, slices, label } = observation;
      this.pending.set(key, {
        ...{ arm, at, status, latencyMs, slices },
        ...(runMs === undefined ? {} : { runMs }),
        ...(prediction === undefined ? {} : { prediction }),
        ...(label === undefined ? {} : { label }),
      });
      if (labelled && arm === 'candidate') {
        // Calibration looks at the candidate alone, and at its scores.
        const test = this.tests(number).get('calibration');
        test?.single(observation.id, arm, observation);
        if (test?.refuted !== undefined) return regressionOf('calibration', test, number);
      }
      return undefined;
    }
    this.pending.delete(key);
    const waiting = { ...other, features: {} };
    const [baseline, candidate] = arm === 'candidate' ? [waiting, observation] : [observation, waiting];
    for (const [type, test] of tests) {
      if (type === 'calibration') {
        if (arm === 'candidate') test.single(observation.id, arm, observation);
      } else test.pair(id, baseline, candidate);
      if (test.refuted !== undefined) return regressionOf(type, test, number);
    }
    return undefined;
  }

  tests(number: number): Map<string, StepTest> {
    let tests = this.opened.get(number);
    if (tests === undefined) {
      tests = testsOf(this.config, this.before, number);
      this.opened.set(number, tests);
    }
    return tests;
  }

  /** The step in which a request came. */
  private stepAt(at: number): number | undefined {
    const number = this.before.steps.findLastIndex(({ startedAt }) => startedAt <= at);
    return number === -1 ? undefined : number;
  }

  /** Notes that an observation's label is weighed. @returns false where it was before */
  private mark(sequence: number): boolean {
    const after = this.labelled.findIndex(([, last]) => last >= sequence - 1);
    if (after === -1) {
      this.labelled.push([sequence, sequence]);
      return true;
    }
    const range = this.labelled[after];
    if (sequence >= range[0] && sequence <= range[1]) return false;
    if (sequence === range[1] + 1) {
      range[1] = sequence;
      const next = this.labelled[after + 1];
      if (next !== undefined && next[0] === sequence + 1) this.labelled.splice(after, 2, [range[0], next[1]]);
      else if (next !== undefined && sequence >= next[0]) {
        range[1] = sequence - 1;
        return false;
      }
    } else if (sequence === range[0] - 1) range[0] = sequence;
    else this.labelled.splice(after, 0, [sequence, sequence]);
    return true;
  }

  /** Gives up answers whose other half did not come. */
  private forget(now: number): void {
    for (const [key, { at }] of this.pending) {
      if (at < now - PAIRED_WITHIN_MS && key.startsWith('answer ')) this.pending.delete(key);
    }
    const most = [...this.pending.keys()];
    for (const key of most.slice(0, Math.max(0, most.length - MOST_PENDING))) this.pending.delete(key);
  }

  get state(): RolloutState {
    const steps = this.before.steps.map((step, number) => {
      const tests = this.opened.get(number);
      if (tests === undefined) return step;
      return { ...step, tests: Object.fromEntries([...tests].map(([type, test]) => [type, test.state])) };
    });
    const { before, cursor, labelled } = this;
    return { ...before, steps, cursor, labelled, pending: Object.fromEntries(this.pending) };
  }
}

/** A shadow's answer comes within this time of the one that the user saw. */
const PAIRED_WITHIN_MS = 60_000;
const MOST_PENDING = 2000;

function regressionOf(type: string, test: StepTest, step: number): string {
  const { part, logEvidence } = test.refuted ?? { part: '', logEvidence: 0 };
  const name = part === '' ? type : `${type} of ${part}`;
  return `${name} is worse than allowed: evidence ${evidenceText(logEvidence)} to 1, in step ${step + 1}`;
}

const evidenceText = (log: number): string =>
  log > 20 ? `10^${(log / Math.LN10).toFixed(0)}` : Math.exp(log).toFixed(0);
