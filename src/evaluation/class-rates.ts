/** Rates of one class against all others, with their derivatives by the margins of the confusion matrix. */
import type { ClassRate } from './confusion.js';

/** correct / predicted. */
export const PRECISION: ClassRate = {
  value: (correct, predicted) => (predicted > 0 ? correct / predicted : Number.NaN),
  gradient: (value, _correct, predicted) => [1 / predicted, -value / predicted, 0, 0],
};

/** correct / actual. */
export const RECALL: ClassRate = {
  value: (correct, _predicted, actual) => (actual > 0 ? correct / actual : Number.NaN),
  gradient: (value, _correct, _predicted, actual) => [1 / actual, 0, -value / actual, 0],
};

/** 2 correct / (predicted + actual). */
export const F1: ClassRate = {
  value: (correct, predicted, actual) => (predicted + actual > 0 ? (2 * correct) / (predicted + actual) : Number.NaN),
  gradient: (value, _correct, predicted, actual) => {
    const base = predicted + actual;
    return [2 / base, -value / base, -value / base, 0];
  },
};

/** 1 - correct / actual. */
export const FALSE_NEGATIVE_RATE: ClassRate = {
  value: (correct, _predicted, actual) => (actual > 0 ? 1 - correct / actual : Number.NaN),
  gradient: (value, _correct, _predicted, actual) => [-1 / actual, 0, (1 - value) / actual, 0],
};

/** (predicted - correct) / (total - actual). */
export const FALSE_POSITIVE_RATE: ClassRate = {
  value: (correct, predicted, actual, total) =>
    total > actual ? (predicted - correct) / (total - actual) : Number.NaN,
  gradient: (value, _correct, _predicted, actual, total) => {
    const base = total - actual;
    return [-1 / base, 1 / base, value / base, -value / base];
  },
};
