import { describe, expect, it } from 'vitest';
import { type Criteria, informationCriteria } from './criteria.js';
import { fitPath } from './path.js';
import { randomProblem } from './problem.fixture.js';

/** Those of a path that has them. */
function criteriaOf(...of: Parameters<typeof informationCriteria>): Criteria {
  const criteria = informationCriteria(...of);
  if (criteria === undefined) throw new Error('this path has no information criteria');
  return criteria;
}

describe('information criteria', () => {
  const data = randomProblem('gaussian', { rows: 80, columns: 10, seed: 3 });

  it('count the coefficients of a lasso', async () => {
    const path = await fitPath(data, { family: 'gaussian', count: 30 });
    const { degrees, aic, bic, ebic } = criteriaOf(data, path);
    expect(degrees).toEqual(path.points.map(({ columns }) => columns.length + 1));
    path.points.forEach(({ deviance }, k) => {
      expect(aic[k]).toBeCloseTo(80 * Math.log(deviance) + 2 * degrees[k], 9);
      expect(bic[k]).toBeCloseTo(80 * Math.log(deviance) + Math.log(80) * degrees[k], 9);
      expect(ebic[k]).toBeGreaterThanOrEqual(bic[k] - 1e-9);
    });
  });

  it('give ridge between none and all degrees of freedom, by the eigenvalues of its columns', async () => {
    const lambdas = [1e4, 1, 1e-7];
    const path = await fitPath(data, { family: 'gaussian', alpha: 0, lambdas });
    const { degrees } = criteriaOf(data, path);
    expect(degrees[0]).toBeCloseTo(1, 2);
    expect(degrees[1]).toBeGreaterThan(2);
    expect(degrees[1]).toBeLessThan(10);
    expect(degrees[2]).toBeCloseTo(11, 4);
  });

  it('find the columns that matter, EBIC among many that do not', async () => {
    const wide = randomProblem('gaussian', { rows: 200, columns: 300, seed: 5, correlation: 0 });
    const path = await fitPath(wide, { family: 'gaussian' });
    const { ebic } = criteriaOf(wide, path);
    const { columns } = path.points[ebic.indexOf(Math.min(...ebic))];
    expect([...columns].filter((j) => j < 5).length).toBeGreaterThanOrEqual(4);
    expect([...columns].filter((j) => j >= 5).length).toBeLessThanOrEqual(4);
  });
});
