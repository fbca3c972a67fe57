import type { Criterion } from '../prune/importance.js';
import type { Student } from '../train/student.js';

/** One thing that is done to a model, in a declared order. */
export type Step =
  | {
      readonly do: 'prune';
      readonly ratio: number;
      readonly criterion: Criterion;
      /** In one round, however much goes: nothing is trained between. */
      readonly atOnce?: boolean;
    }
  | { readonly do: 'drop'; readonly ratio: number }
  | { readonly do: 'student'; readonly student: Student }
  | { readonly do: 'distil'; readonly epochs: number }
  | { readonly do: 'quantize'; readonly method: 'static-int8' | 'dynamic-int8' | 'fp16' };

/** A way to compress a model. */
export interface Candidate {
  readonly id: string;
  readonly steps: readonly Step[];
}

/** A step as people read it. */
export function stepText(step: Step): string {
  switch (step.do) {
    case 'prune':
      return `prune ${Math.round(100 * step.ratio)} %`;
    case 'drop':
      return `drop layers and blocks, ${Math.round(100 * step.ratio)} %`;
    case 'student':
      return `student ${step.student.name}`;
    case 'distil':
      return `distil ${step.epochs} epochs`;
    case 'quantize':
      return step.method;
  }
}

/** A step as a spec names it. */
export type StepName = 'prune' | 'drop' | 'distil' | 'static-int8' | 'dynamic-int8' | 'fp16';

export interface CandidateOptions {
  /** A few candidates instead of all. */
  readonly quick: boolean;
  /** Epochs of each training; 0 = no training, so that nothing is pruned. */
  readonly epochs: number;
  readonly criterion: Criterion;
  /** Networks of other architectures that learn from the original. */
  readonly students?: readonly Student[];
  /** The orders that are tried besides the conversions, instead of every one there is. */
  readonly orders?: readonly (readonly StepName[])[];
  /** Shares that are taken out by pruning and dropping; a few unless given. */
  readonly ratios?: readonly number[];
}

const CONVERSIONS = ['fp16', 'dynamic-int8', 'static-int8'] as const;

/** What is tried first, and all that a quick search tries. */
const QUICK: readonly (readonly StepName[])[] = [
  ['prune', 'distil'],
  ['prune', 'distil', 'static-int8'],
];

/** Three orders of pruning, distilling and quantizing; after `static-int8` a training rounds as 8-bit storage will. */
const EVERY: readonly (readonly StepName[])[] = [
  ...QUICK,
  ['prune', 'distil', 'dynamic-int8'],
  ['prune', 'static-int8', 'distil'],
  ['distil', 'prune', 'distil', 'static-int8'],
  ['drop', 'distil'],
  ['drop', 'distil', 'static-int8'],
];

/** A student starts from nothing, so it learns longer than what is left of a network that was trained. */
const STUDENT_EPOCHS = 4;

/**
 * The ways that are tried: conversions alone; the declared orders, each at every share that is taken out; students of other
 * architectures.
 */
export function candidatesOf(options: CandidateOptions): Candidate[] {
  const { quick, epochs, students = [], orders = quick ? QUICK : EVERY } = options;
  const alone = [[], ...CONVERSIONS.map((name) => [name])].map((names) => candidateOf(names, 0, options));
  if (epochs === 0) return alone;
  const ordered = orders.flatMap((names) =>
    sharesOf(names, options).map((ratio) => candidateOf(names, ratio, options)),
  );
  const taught = students.flatMap((student): Candidate[] => {
    const steps: Step[] = [
      { do: 'student', student },
      { do: 'distil', epochs: STUDENT_EPOCHS * epochs },
    ];
    return [
      { id: `student-${student.name}`, steps },
      { id: `student-${student.name}-int8`, steps: [...steps, { do: 'quantize', method: 'static-int8' }] },
    ];
  });
  const all = [...alone, ...ordered, ...taught];
  // An order that is a conversion alone is among those already.
  return all.filter(({ id }, i) => all.findIndex((other) => other.id === id) === i);
}

/** Of what an order takes out; whole layers are fewer than channels, so their shares are smaller. */
function sharesOf(names: readonly StepName[], { quick, ratios }: CandidateOptions): readonly number[] {
  if (names.includes('prune')) return ratios ?? (quick ? [0.5] : [0.25, 0.5, 0.75]);
  if (names.includes('drop')) return ratios ?? [0.25, 0.5];
  return [0];
}

function candidateOf(names: readonly StepName[], ratio: number, { epochs, criterion }: CandidateOptions): Candidate {
  const share = Math.round(1000 * ratio) / 10;
  const parts = names.map((name): { word: string; step: Step } => {
    switch (name) {
      case 'prune':
        return { word: `prune${share}`, step: { do: 'prune', ratio, criterion } };
      case 'drop':
        return { word: `drop${share}`, step: { do: 'drop', ratio } };
      case 'distil':
        return { word: 'distil', step: { do: 'distil', epochs } };
      default:
        return { word: WORDS[name], step: { do: 'quantize', method: name } };
    }
  });
  const conversion = names.length === 1 ? CONVERSIONS.find((name) => name === names[0]) : undefined;
  const id = names.length === 0 ? 'clean' : (conversion ?? parts.map(({ word }) => word).join('-'));
  return { id, steps: parts.map(({ step }) => step) };
}

/** A conversion's name within that of an order. */
const WORDS = { 'static-int8': 'int8', 'dynamic-int8': 'dynamic', fp16: 'fp16' } as const;
