import type { Figure } from '../evaluation/figure.js';
import type { Curvature } from '../evaluation/landscape/hessian.js';
import type { LossBetween, LossCurve, LossGrid } from '../evaluation/landscape/scan.js';
import type { Sharpness } from '../evaluation/landscape/sharpness.js';

/** What `ballast landscape --json` answers, beside the model's name. */
export interface LandscapeDocument {
  readonly rows: number;
  readonly parameters: number;
  readonly loss: Figure;
  readonly sharpness: { readonly sam: Sharpness; readonly asam: Sharpness };
  readonly hessian: Curvature;
  /** Along random directions. */
  readonly curve?: LossCurve[];
  readonly between?: LossBetween | undefined;
  readonly grid?: LossGrid;
}

/** The figures, a line each. */
export function landscapeLines({
  rows,
  parameters,
  loss,
  sharpness: { sam, asam },
  hessian,
  between,
}: Omit<LandscapeDocument, 'curve' | 'grid'>): string[] {
  const { largest, negative, trace, products } = hessian;
  const rise = ({ rho, oneStep, worst }: Sharpness): string =>
    `+${shown(worst)} at the worst point found within ${rho}, +${number(oneStep)} one step along the gradient`;
  return [
    `loss       ${shown(loss)} on ${rows} rows; ${parameters.toLocaleString('en-US')} parameters`,
    `SAM        ${rise(sam)}`,
    `ASAM       ${rise(asam)}`,
    `Hessian    largest eigenvalue ${shown(largest)}${largest.converged ? '' : ` after ${largest.iterations} iterations, not settled: raise --iterations`}`,
    `           trace ${shown(trace)} over ${trace.probes} probes; ${products} products`,
    ...(negative === undefined
      ? []
      : [
          `warning    an eigenvalue of ${shown(negative)} outweighs the largest: the weights are no minimum of this loss (they were stopped early, or trained with a penalty)`,
        ]),
    ...(between === undefined
      ? []
      : [
          `between    the loss rises at most ${number(between.barrier.rise)} above the straight line between the two losses, at ${number(between.barrier.at)} of the way`,
        ]),
  ];
}

function shown({ value, interval: [low, high] }: Figure): string {
  return `${number(value)} [${number(low)}, ${number(high)}]`;
}

const number = (value: number): string => (value === 0 ? '0' : value.toPrecision(4));
