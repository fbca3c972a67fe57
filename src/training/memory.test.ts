import { describe, expect, it } from 'vitest';
import { describeStep } from '../../test/support/stepper.js';
import { openRuntimes, PICTURES, problem, SMALL_CNN } from '../../test/support/training-problem.js';
import { adam } from './optimizers.js';
import { bindData, StepProgram } from './program.js';

describe.each(['ffi', 'stock'] as const)('a program on the %s runtime', (backend) => {
  it('keeps its memory over 2,000 steps', async () => {
    const runtime = (await openRuntimes())[backend];
    const given = problem({ inputs: PICTURES, model: SMALL_CNN, regularizers: [{ type: 'weight-decay' }] });
    const optimizer = adam('adamw', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    const description = describeStep(given, optimizer);
    const data = bindData(runtime, { ...given.data.inputs, target: given.data.target });
    const context = { data, seed: 1, strengthAt: () => 0.01, rateAt: () => 1 };
    const { program, state } = await StepProgram.create(runtime, description, context, {});
    const resident: number[] = [];
    for (let step = 1; step <= 2000; step++) {
      for (let i = 0; i < program.index.length; i++) program.index[i] = BigInt((i + step) % description.rows);
      const position = { step, learningRate: 1e-4 };
      program.prepare(position, (name) => optimizer.scalars[name](position), 0);
      const loss = step % 2 === 0 ? program.runSync() : await program.run();
      expect(loss).toBeLessThan(100);
      if (step % 500 === 0) resident.push(process.memoryUsage.rss());
    }
    program.release();
    state.release();
    // 24 kB a step: below it are the ups and downs of the collector.
    expect(resident[3] - resident[1]).toBeLessThan(24e6);
  });
});
