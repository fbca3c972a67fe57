import { expect, it } from 'vitest';
import { float32, int64 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { gaussianCopula } from '../gaussian-copula/index.js';
import { copulaRows } from '../gaussian-copula/rows.js';
import type { PreparationContext } from '../regularizer.js';
import { smote } from '../smote/index.js';
import { smoteRows } from '../smote/rows.js';
import { asExamples, sourceOf } from './source.js';

const [ROWS, WIDTH] = [2100, 10];

function context(): PreparationContext {
  const stream = derive(1, 'rows');
  return {
    task: 'classification',
    inputs: [{ name: 'features', content: 'tabular', shape: [WIDTH] }],
    data: {
      features: float32(
        [ROWS, WIDTH],
        Array.from({ length: ROWS * WIDTH }, () => stream.normal()),
      ),
    },
    target: int64(
      [ROWS],
      Array.from({ length: ROWS }, (_, row) => (row % 7 === 0 ? 1 : 0)),
    ),
    train: Int32Array.from({ length: ROWS }, (_, row) => row),
    added: new Int32Array(0),
    classes: ['usual', 'rare'],
    strength: 0.5,
    seed: 3,
  } as unknown as PreparationContext;
}

it('makes many rows in a thread: to the bit those that this one makes, while this one goes on', async () => {
  const options = smote.options.parse({ variant: 'borderline-2' });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const there = await smote.hooks.examples?.(context(), options);
  clearInterval(timer);
  const { source, real } = sourceOf(context());
  expect(there).toEqual(asExamples(real, await smoteRows(source, options)));
  expect(turns).toBeGreaterThan(0);
});

it('makes rows of a copula so too', async () => {
  const options = gaussianCopula.options.parse({ classes: 'balanced' });
  const { source, real } = sourceOf(context());
  const here = await copulaRows(source, options);
  expect(await gaussianCopula.hooks.examples?.(context(), options)).toEqual(here && asExamples(real, here));
});
