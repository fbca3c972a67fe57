import type { DeclaredStrength, Evidence, Probe, TrainingEvidence } from './evidence.js';
import type { SpecPatch } from './patch.js';
import { costsMore } from './rules/miscalibrated-transfer.js';

/** A controlled experiment that is worth its cost: what it changes, and what it is to show. */
export interface ProbePlan extends Pick<Probe, 'kind' | 'label' | 'patch'> {
  /** Which training rows, where not all. */
  readonly rows?: 'half' | 'without copies';
  /** After training, batch normalizations are given the statistics of undisturbed training rows. */
  readonly undisturbed?: true;
}

/** What a model allows to be added to it. */
export interface Addable {
  /** It has layers that dropout acts on. */
  readonly dropout: boolean;
  /** The change of the spec that puts another normalization in the place of every batch normalization. */
  readonly normalization?: SpecPatch;
}

const FACTORS = { weaker: [0.3, 0.03], stronger: [3, 30] } as const;
/** Below this part of the way from a constant answer to a perfect one, a model fits its training rows poorly. */
const FITS = 0.9;

/**
 * The probes that could tell anything new here. Weaker strengths where they do not clearly help already; stronger ones
 * where there is a gap; longer training and other learning rates where the training rows are not fitted either.
 */
export function planProbes(evidence: Evidence, addable: Addable): ProbePlan[] {
  const { training, baseline, direction } = evidence;
  if (training === undefined) return [];
  if (training.outcome === 'diverged') return rates(training).slice(0, 1);
  const adjustable = training.regularizers.filter((each) => each.adjustable && each.strength > 0);
  const overfits = training.gap.interval[0] > 0;
  const helps = baseline?.comparison.verdict === 'helped';
  const poor = fitOf(training, evidence.metric, direction) < FITS;
  return [
    ...(hasCopies(evidence) ? [WITHOUT_COPIES] : []),
    ...(helps && overfits ? [] : weaker(adjustable)),
    ...(overfits ? stronger(training, adjustable, addable) : []),
    ...(usedUp(training) ? [longer(training)] : []),
    ...(poor && !overfits ? rates(training) : []),
    ...gentler(evidence, training, poor && !overfits),
    ...lessAugmentation(training),
    ...withoutShift(training, addable),
    ...(overfits
      ? [{ kind: 'half the data', label: 'half of the training rows', patch: [], rows: 'half' } as const]
      : []),
  ];
}

const WITHOUT_COPIES: ProbePlan = {
  kind: 'without copies',
  label: 'without training rows that equal validation rows',
  patch: [],
  rows: 'without copies',
};

/** Equal rows in two parts may be a leak, or rows of few columns that are bound to repeat: a training without them tells. */
function hasCopies({ data = [] }: Evidence): boolean {
  return data.some(({ code, severity }) => code === 'EQUAL_ROWS_ACROSS_PARTS' && severity === 'error');
}

/**
 * Which of several strengths it was: each of them alone, changed as all were together.
 *
 * @param found a probe that changed several
 */
export function separateProbes(found: Pick<ProbePlan, 'kind' | 'patch'>, training: TrainingEvidence): ProbePlan[] {
  const changes = found.patch.filter(({ op, path }) => op === 'replace' && path.startsWith('/regularizers/'));
  if (changes.length < 2) return [];
  return changes.map((change) => {
    const declared = training.regularizers.find(({ index }) => change.path.split('/')[2] === String(index));
    return {
      kind: found.kind,
      label: `${declared?.type} ${declared?.strength} -> ${String(change.value)}`,
      patch: [change],
    };
  });
}

function weaker(adjustable: readonly DeclaredStrength[]): ProbePlan[] {
  return adjustable.length === 0 ? [] : FACTORS.weaker.map((factor) => scaled('weaker', adjustable, factor));
}

function stronger(
  training: TrainingEvidence,
  adjustable: readonly DeclaredStrength[],
  { dropout }: Addable,
): ProbePlan[] {
  const types = new Set(training.regularizers.map(({ type }) => type));
  const stop = types.has('early-stopping')
    ? []
    : [{ type: 'early-stopping', patience: Math.max(3, Math.round(training.epochs.allowed / 10)) }];
  const add = (...entries: readonly object[]): ProbePlan => ({
    kind: 'stronger',
    label: entries
      .map((entry) => {
        const { type, ...rest } = entry as { type: string };
        return `${type} ${Object.values(rest).join(' ')} added`;
      })
      .join(', '),
    patch: entries.map((value) => ({ op: 'add', path: '/regularizers/-', value })),
  });
  const turned = adjustable.map((each) => each).filter(({ strength, range }) => strength < range[1]);
  return [
    ...(stop.length === 0 ? [] : [add(...stop)]),
    ...(turned.length === 0 ? [] : FACTORS.stronger.map((factor) => scaled('stronger', turned, factor))),
    ...(types.has('weight-decay') ? [] : [add(...stop, { type: 'weight-decay', strength: 0.1 })]),
    ...(dropout && !types.has('dropout') ? [add(...stop, { type: 'dropout', strength: 0.3 })] : []),
  ];
}

function scaled(kind: 'weaker' | 'stronger', strengths: readonly DeclaredStrength[], factor: number): ProbePlan {
  const changes = strengths.map(({ index, type, strength, range }) => {
    const value = Number(Math.min(strength * factor, Math.max(range[1], strength)).toPrecision(3));
    return { index, type, strength, value };
  });
  return {
    kind,
    label: changes.map(({ type, strength, value }) => `${type} ${strength} -> ${value}`).join(', '),
    patch: changes.map(({ index, value }) => ({ op: 'replace', path: `/regularizers/${index}/strength`, value })),
  };
}

function longer({ epochs }: TrainingEvidence): ProbePlan {
  const value = 2 * epochs.allowed;
  return {
    kind: 'longer',
    label: `${epochs.allowed} -> ${value} epochs`,
    patch: [{ op: 'replace', path: '/training/epochs', value }],
  };
}

/** The largest learning rate that a spec may have. */
const FASTEST = 100;

function rates({ learningRate }: TrainingEvidence): ProbePlan[] {
  return (
    [
      ['slower', 0.1],
      ['faster', 10],
    ] as const
  ).flatMap(([kind, factor]) => {
    const value = Number((learningRate * factor).toPrecision(3));
    const patch: SpecPatch = [{ op: 'replace', path: '/training/optimizer/learningRate', value }];
    if (value > FASTEST) return [];
    return [{ kind, label: `learning rate ${learningRate} -> ${value}`, patch }];
  });
}

/** Fine-tuning that made probabilities worse: does a lower rate keep them? */
function gentler({ transfer }: Evidence, training: TrainingEvidence, asked: boolean): ProbePlan[] {
  return transfer !== undefined && costsMore(transfer) && !asked ? rates(training).slice(0, 1) : [];
}

/** What the samples that augmentation makes cost: with milder ones, and with none. */
function lessAugmentation({ regularizers }: TrainingEvidence): ProbePlan[] {
  const made = regularizers.filter(({ augments, strength }) => augments && strength > 0);
  return made.length === 0
    ? []
    : [FACTORS.weaker[0], 0].map((factor) => ({ ...scaled('weaker', made, factor), kind: 'less augmentation' }));
}

/**
 * Whether values that are dropped before a batch normalization harm: the same weights with the statistics of undisturbed rows
 * show it, and each of the two alone what to do.
 */
function withoutShift({ regularizers }: TrainingEvidence, { normalization = [] }: Addable): ProbePlan[] {
  const before = regularizers.filter(({ beforeBatchNorm, strength }) => beforeBatchNorm && strength > 0);
  if (before.length === 0 || normalization.length === 0) return [];
  const named = before.map(({ type }) => type).join(', ');
  return [
    {
      kind: 'undisturbed statistics',
      label: 'batch normalization with statistics of undisturbed rows',
      patch: [],
      undisturbed: true,
    },
    { kind: 'other normalization', label: `${named} without batch normalization`, patch: normalization },
    { ...scaled('weaker', before, 0), kind: 'without dropping', label: `batch normalization without ${named}` },
  ];
}

/** Whether training ended because its epochs did, while the model was still getting better. */
function usedUp({ epochs: { allowed, run, best } }: TrainingEvidence): boolean {
  return run === allowed && best > 0.9 * allowed;
}

/** How much of the way from a constant answer to a perfect one the model has come on its training rows. */
function fitOf({ train, constant }: TrainingEvidence, metric: string, direction: Evidence['direction']): number {
  const reached = train.metrics[metric]?.value;
  if (reached === undefined || constant === undefined) return 0;
  return direction === 'higher'
    ? (reached - constant) / Math.max(1e-9, 1 - constant)
    : 1 - reached / Math.max(1e-9, constant);
}
