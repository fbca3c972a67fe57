import type { Criterion } from '../prune/importance.js';
import type { Student } from '../train/student.js';

/** One thing that is done to a model, in a declared order. */
export type Step =
  | { readonly do: 'prune'; readonly ratio: number; readonly criterion: Criterion }
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

export interface CandidateOptions {
  /** A few candidates instead of all. */
  readonly quick: boolean;
  /** Epochs of each training; 0 = no training, so that nothing is pruned. */
  readonly epochs: number;
  readonly criterion: Criterion;
  /** Networks of other architectures that learn from the original. */
  readonly students?: readonly Student[];
}

/** A student starts from nothing, so it learns longer than what is left of a network that was trained. */
const STUDENT_EPOCHS = 4;

/**
 * The ways that are tried: conversions alone; pruning with training after it, alone and followed by a conversion; and three
 * orders of all together: prune -> distil -> quantize, prune -> quantize -> distil (the training rounds as 8-bit storage
 * will), distil -> prune -> quantize. Whole layers and blocks dropped; students of other architectures.
 */
export function candidatesOf({ quick, epochs, criterion, students = [] }: CandidateOptions): Candidate[] {
  const quantize = (method: Extract<Step, { do: 'quantize' }>['method']): Step => ({ do: 'quantize', method });
  const distil: Step = { do: 'distil', epochs };
  const conversions = (['fp16', 'dynamic-int8', 'static-int8'] as const).map((method) => ({
    id: method,
    steps: [quantize(method)],
  }));
  const clean: Candidate = { id: 'clean', steps: [] };
  if (epochs === 0) return [clean, ...conversions];
  const ratios = quick ? [0.5] : [0.25, 0.5, 0.75];
  const pruned = ratios.flatMap((ratio): Candidate[] => {
    const prune: Step = { do: 'prune', ratio, criterion };
    const name = `prune${Math.round(100 * ratio)}`;
    const [int8, dynamic] = [quantize('static-int8'), quantize('dynamic-int8')];
    return [
      { id: `${name}-distil`, steps: [prune, distil] },
      { id: `${name}-distil-int8`, steps: [prune, distil, int8] },
      ...(quick
        ? []
        : [
            { id: `${name}-distil-dynamic`, steps: [prune, distil, dynamic] },
            { id: `${name}-int8-distil`, steps: [prune, int8, distil] },
            { id: `distil-${name}-int8`, steps: [distil, prune, distil, int8] },
          ]),
    ];
  });
  const int8 = quantize('static-int8');
  const shallower = quick
    ? []
    : [0.25, 0.5].flatMap((ratio): Candidate[] => {
        const [name, drop] = [`drop${Math.round(100 * ratio)}`, { do: 'drop', ratio } as const];
        return [
          { id: `${name}-distil`, steps: [drop, distil] },
          { id: `${name}-distil-int8`, steps: [drop, distil, int8] },
        ];
      });
  const taught = students.flatMap((student): Candidate[] => {
    const start: Step[] = [
      { do: 'student', student },
      { do: 'distil', epochs: STUDENT_EPOCHS * epochs },
    ];
    return [
      { id: `student-${student.name}`, steps: start },
      { id: `student-${student.name}-int8`, steps: [...start, int8] },
    ];
  });
  return [clean, ...conversions, ...pruned, ...shallower, ...taught];
}
