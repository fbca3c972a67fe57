import type { Figure } from '../../evaluation/figure.js';

/** The rules of a gate, in the order in which they are told. */
export const GATE_RULES = [
  'manifest',
  'leakage',
  'gap',
  'ece',
  'worst-class',
  'fairness',
  'compression',
  'holdout',
] as const;

export type GateRule = (typeof GATE_RULES)[number];

/** The limits a gate holds a model to. */
export interface GateLimits {
  /** Largest quality lost from train to validation, in the metric's unit. */
  readonly gap: number;
  /** Largest expected calibration error. */
  readonly ece: number;
  /** Smallest recall of any class. */
  readonly worstClass: number;
  /** Largest difference between groups: demographic parity. */
  readonly fairness: number;
  /** Largest quality lost by compression. */
  readonly compression: number;
  /** Largest quality lost on the holdout against the champion; a loss has to be sure to fail. */
  readonly holdout: number;
}

/** What was measured for a rule: a figure, and in words what of. A figure without interval was logged by a client. */
export interface Measured {
  readonly value: number;
  readonly interval?: Figure['interval'];
  readonly told: string;
}

/** For each rule what was measured, or why nothing was. */
export type GateEvidence = Readonly<Record<GateRule, Measured | { readonly missing: string }>>;

export interface RuleResult {
  readonly rule: GateRule;
  readonly value: number;
  readonly interval: Figure['interval'] | null;
  readonly limit: number;
  readonly pass: boolean;
  readonly told: string;
}

export interface GateResult {
  readonly pass: boolean;
  readonly rules: readonly RuleResult[];
  /** Rules that could not be judged; they pass, unless they are required. */
  readonly skipped: readonly { readonly rule: GateRule; readonly reason: string; readonly required: boolean }[];
}

interface Decision {
  limit(limits: GateLimits): number;
  /** Whether the model passes. */
  passes(measured: Measured, limit: number): boolean;
}

const atMost = (limit: Decision['limit']): Decision => ({ limit, passes: ({ value }, most) => value <= most });
const atLeast = (limit: Decision['limit']): Decision => ({ limit, passes: ({ value }, least) => value >= least });

const DECISIONS: Record<GateRule, Decision> = {
  manifest: atLeast(() => 1),
  leakage: atMost(() => 0),
  gap: atMost(({ gap }) => gap),
  ece: atMost(({ ece }) => ece),
  'worst-class': atLeast(({ worstClass }) => worstClass),
  fairness: atMost(({ fairness }) => fairness),
  compression: atMost(({ compression }) => compression),
  // Of two equal models one is worse by chance: what fails is a loss that is sure.
  holdout: {
    limit: ({ holdout }) => holdout,
    passes: ({ value, interval = [value, value] }, most) => interval[0] <= most,
  },
};

/**
 * Judges evidence by the rules.
 *
 * @param required rules that fail where there is nothing to judge them by
 */
export function judgeGate(
  evidence: GateEvidence,
  limits: GateLimits,
  { required = [], ignored = [] }: { required?: readonly GateRule[]; ignored?: readonly GateRule[] } = {},
): GateResult {
  const rules: RuleResult[] = [];
  const skipped: { rule: GateRule; reason: string; required: boolean }[] = [];
  for (const rule of GATE_RULES) {
    if (ignored.includes(rule)) {
      skipped.push({ rule, reason: 'left out by --skip', required: false });
      continue;
    }
    const measured = evidence[rule];
    if ('missing' in measured) {
      skipped.push({ rule, reason: measured.missing, required: required.includes(rule) });
      continue;
    }
    const decision = DECISIONS[rule];
    const limit = decision.limit(limits);
    const { value, interval = null, told } = measured;
    rules.push({ rule, value, interval, limit, pass: decision.passes(measured, limit), told });
  }
  const pass = rules.every((each) => each.pass) && skipped.every((each) => !each.required);
  return { pass, rules, skipped };
}
