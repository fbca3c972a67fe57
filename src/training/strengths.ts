import type { StrengthSchedule } from '../regularizers/regularizer.js';

/** The multiplier of a strength after some epochs: 1 without a schedule. */
export function strengthFactor(schedule: StrengthSchedule | undefined, epochs: number): number {
  if (schedule === undefined) return 1;
  const share = Math.min(1, epochs / schedule.over);
  const eased = schedule.type === 'linear' ? share : (1 - Math.cos(Math.PI * share)) / 2;
  return schedule.from + (schedule.to - schedule.from) * eased;
}
