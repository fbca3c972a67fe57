/** A function to minimize: writes its gradient into the second argument and returns its value. */
export type Objective = (at: Float64Array, gradient: Float64Array) => number;

export interface MinimizeOptions {
  /** Stops where no component of the gradient exceeds it. Default 1e-10. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
  /** Pairs of steps that stand for the curvature. Default 10. */
  readonly memory?: number;
}

export interface Minimum {
  readonly at: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether the tolerance was reached; else the line search found nothing lower. */
  readonly converged: boolean;
}

/**
 * Limited-memory BFGS for smooth functions (Liu and Nocedal 1989; two-loop recursion, Nocedal and Wright, algorithm 7.5),
 * with a backtracking line search that asks for sufficient decrease and curvature.
 */
export function minimize(objective: Objective, start: ArrayLike<number>, options: MinimizeOptions = {}): Minimum {
  const { tolerance = 1e-10, maxIterations = 1000, memory = 10 } = options;
  let at: Float64Array = Float64Array.from(start);
  let gradient: Float64Array = new Float64Array(at.length);
  let value = objective(at, gradient);
  const steps: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (largest(gradient) <= tolerance) return { at, value, iterations: iteration, converged: true };
    let direction = descent(gradient, steps);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      steps.length = 0;
      direction = gradient.map((g) => -g);
      slope = -dot(gradient, gradient);
    }
    const found = lineSearch(objective, { at, value, direction, slope, first: steps.length === 0 });
    if (found === undefined) {
      // A curvature gone stale may hide a descent that the gradient still shows.
      if (steps.length === 0) return { at, value, iterations: iteration, converged: false };
      steps.length = 0;
      continue;
    }
    const s = found.at.map((x, i) => x - at[i]);
    const y = found.gradient.map((g, i) => g - gradient[i]);
    const curvature = dot(s, y);
    if (curvature > 1e-14 * Math.sqrt(dot(s, s) * dot(y, y))) {
      steps.push({ s, y, rho: 1 / curvature });
      if (steps.length > memory) steps.shift();
    }
    ({ at, value, gradient } = found);
  }
  return { at, value, iterations: maxIterations, converged: largest(gradient) <= tolerance };
}

function descent(gradient: Float64Array, steps: readonly { s: Float64Array; y: Float64Array; rho: number }[]) {
  const q = gradient.slice();
  const alphas: number[] = [];
  for (let k = steps.length - 1; k >= 0; k--) {
    const { s, y, rho } = steps[k];
    alphas[k] = rho * dot(s, q);
    addScaled(q, y, -alphas[k]);
  }
  const last = steps.at(-1);
  const scale = last === undefined ? 1 : 1 / (last.rho * dot(last.y, last.y));
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  steps.forEach(({ s, y, rho }, k) => {
    addScaled(q, s, alphas[k] - rho * dot(y, q));
  });
  return q.map((x) => -x);
}

/** Weak Wolfe conditions by bisection (Burke, Lewis and Overton). */
function lineSearch(
  objective: Objective,
  from: { at: Float64Array; value: number; direction: Float64Array; slope: number; first: boolean },
): { at: Float64Array; value: number; gradient: Float64Array } | undefined {
  const { at, value, direction, slope } = from;
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let step = from.first ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
  let lower: { at: Float64Array; value: number; gradient: Float64Array } | undefined;
  for (let attempt = 0; attempt < 60; attempt++) {
    const next = at.map((x, i) => x + step * direction[i]);
    const gradient = new Float64Array(at.length);
    const reached = objective(next, gradient);
    if (!(reached <= value + 1e-4 * step * slope)) high = step;
    else {
      lower = { at: next, value: reached, gradient };
      if (dot(gradient, direction) >= 0.9 * slope) return lower;
      low = step;
    }
    step = high === Number.POSITIVE_INFINITY ? 2 * step : (low + high) / 2;
  }
  return lower !== undefined && lower.value < value ? lower : undefined;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
const largest = (a: Float64Array): number => a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

function addScaled(target: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * values[i];
}
