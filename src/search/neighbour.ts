import type { Random } from '../numeric/random.js';
import { exists, fromUnit, type Point, type Space, toUnit } from './space.js';

/** A point beside another: ranges move by a normal step, a choice is drawn anew now and then. */
export function neighbour({ parameters }: Space, from: Point, width: number, random: Random): Point {
  const point: Record<string, number> = {};
  for (const parameter of parameters) {
    const { name, dimension } = parameter;
    if (!exists(parameter, point)) continue;
    if (!(name in from) || (dimension.kind === 'choice' && random.uniform() < 0.15)) {
      point[name] = fromUnit(dimension, random.uniform());
      continue;
    }
    const stays = dimension.kind === 'choice' || random.uniform() < 0.3;
    point[name] = stays ? from[name] : fromUnit(dimension, toUnit(dimension, from[name]) + random.normal(0, width));
  }
  return point;
}

/** A point and what a function is there. */
export interface Valued {
  readonly point: Point;
  readonly value: number;
}

const ROUNDS = 8;
const STEPS = 8;

/** Climbs a function from a point by random steps that become shorter: its value is cheap, its gradient unknown. */
export function climb(space: Space, start: Valued, of: (point: Point) => number, random: Random): Valued {
  let current = start;
  for (let round = 0; round < ROUNDS; round++) {
    const width = 0.1 * 0.5 ** round;
    for (let i = 0; i < STEPS; i++) {
      const point = neighbour(space, current.point, width, random);
      const value = of(point);
      if (value > current.value) current = { point, value };
    }
  }
  return current;
}
