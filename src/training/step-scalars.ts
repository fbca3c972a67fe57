import { siteKey } from '../graph/random.js';
import type { BoundTensor, Runtime } from '../graph/runtime/runtime.js';
import type { StepPosition } from './optimizers.js';
import { type CompiledStep, drawnStream } from './step.js';

/** What scalars of a step follow from, beside its place. */
export interface ScalarContext {
  readonly seed: number;
  /** Strength of the n-th active regularizer after that many epochs. */
  readonly strengthAt: (regularizer: number, epochs: number) => number;
  /** Factor of a parameter's learning rate after that many epochs. */
  readonly rateAt: (parameter: string, epochs: number) => number;
}

/** The inputs of a step's graph that the host computes before each run: scalars, and the keys of random sites. */
export class StepScalars {
  readonly tensors: Readonly<Record<string, BoundTensor>>;
  readonly #compiled: Pick<CompiledStep, 'scalars' | 'randomSites'>;
  readonly #context: ScalarContext;

  constructor(runtime: Runtime, compiled: Pick<CompiledStep, 'scalars' | 'randomSites'>, context: ScalarContext) {
    this.#compiled = compiled;
    this.#context = context;
    this.tensors = Object.fromEntries([
      ...[...compiled.scalars.keys()].map((name) => [name, runtime.allocate('float32', [])]),
      ...compiled.randomSites.map((label) => [`random.${label}`, runtime.allocate('uint32', [1])]),
    ]);
  }

  /** @param epochs epochs done, with fraction: what schedules of strengths follow */
  set(position: StepPosition, optimizerScalar: (name: string) => number, epochs: number): void {
    const { seed, strengthAt, rateAt } = this.#context;
    for (const [name, host] of this.#compiled.scalars) {
      const target = this.tensors[name].data as Float32Array;
      switch (host.kind) {
        case 'learningRate':
          target[0] = position.learningRate;
          break;
        case 'optimizer':
          target[0] = optimizerScalar(host.name);
          break;
        case 'rate':
          target[0] = rateAt(host.parameter, epochs);
          break;
        case 'strength':
          target[0] = strengthAt(host.regularizer, epochs);
          break;
        case 'drawn': {
          const stream = drawnStream(seed, host.regularizer, host.label, position.step);
          target[0] = host.draw(stream, strengthAt(host.regularizer, epochs), position.step);
          break;
        }
      }
    }
    for (const label of this.#compiled.randomSites) {
      (this.tensors[`random.${label}`].data as Uint32Array)[0] = siteKey(label, seed, position.step);
    }
  }

  release(): void {
    for (const bound of Object.values(this.tensors)) bound.release();
  }
}
