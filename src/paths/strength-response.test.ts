import { describe, expect, it } from 'vitest';
import { derive } from '../numeric/random.js';
import { biasAndVariance, kneeOf } from './strength-response.js';

describe('bias and variance', () => {
  it('add up to the mean squared error of members, with their spread over one less than their number', () => {
    const random = derive(1, 'members');
    const target = Array.from({ length: 50 }, () => random.normal());
    const members = Array.from({ length: 4 }, () => target.map((value) => value + 0.5 + random.normal()));
    const { biasSquared, variance } = biasAndVariance(members, target, 1);
    const error = (member: readonly number[]) =>
      member.reduce((sum, value, i) => sum + (value - target[i]) ** 2, 0) / target.length;
    const mean = members.reduce((sum, member) => sum + error(member), 0) / members.length;
    expect(biasSquared + (variance * 3) / 4).toBeCloseTo(mean, 12);
  });

  it('have no variance where there is one member', () => {
    expect(biasAndVariance([[1, 2]], [1, 0], 2)).toEqual({ biasSquared: 4, variance: 0 });
  });
});

describe('the knee of a curve', () => {
  it('is where it begins to rise', () => {
    expect(kneeOf([0, 1, 2, 3, 4, 5], [1, 1, 1, 1, 3, 5])).toBe(3);
  });

  it.each([
    ['is flat', [1, 1, 1.001, 1.002]],
    ['falls', [4, 3, 2, 1]],
    ['rises evenly', [1, 2, 3, 4]],
    ['rises ever slower', [1, 4, 5, 5.2]],
  ])('is nowhere where it %s', (_name, y) => {
    expect(kneeOf([0, 1, 2, 3], y)).toBeUndefined();
  });
});
