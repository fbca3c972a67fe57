import { describe, expect, it } from 'vitest';
import { type ProblemOptions, problem, trained, weightBytes } from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { findConflicts, resolveEntry } from '../regularizers/resolve.js';
import { trainingOptions } from './options.js';
import { sampledRows } from './problem.js';
import { forgettingOf, TaskRun, tasksOf } from './tasks.js';

const BY_CLASS = { classes: [['c'], ['a', 'b']] };
const run = (tasks: object, more: ProblemOptions = {}): { given: ReturnType<typeof problem>; tasks: TaskRun } => {
  const given = problem({ ...more, training: { epochs: 5, tasks, ...more.training } });
  return { given, tasks: new TaskRun(tasksOf(given)!, given) };
};

describe('tasks of a run', () => {
  it('are values of a column in the order given, or groups of classes', () => {
    const { given, tasks } = run({ column: 'group', order: ['z', 'x'] });
    const { codes, values } = given.data.columns!.find(({ role }) => role === 'group')!;
    tasks.sequence.ofRow.forEach((task, row) => {
      const value = values[codes[row]];
      expect(task).toBe(value === 'z' ? 0 : value === 'x' ? 1 : -1);
    });
    const byClass = run(BY_CLASS);
    byClass.tasks.sequence.ofRow.forEach((task, row) => {
      expect(task).toBe(Number(byClass.given.data.target.data[row]) === 2 ? 0 : 1);
    });
    expect(byClass.tasks.sequence.names).toEqual(['c', 'a b']);
  });

  it('share the epochs evenly and draw their own rows alone, each as often as others of its task', () => {
    const { given, tasks } = run(BY_CLASS);
    expect([0, 1, 2, 3, 4].map((epoch) => tasks.taskOf(epoch))).toEqual([0, 0, 0, 1, 1]);
    expect([0, 1, 2, 3, 4].map((epoch) => tasks.endedBy(epoch))).toEqual([
      undefined,
      undefined,
      0,
      undefined,
      undefined,
    ]);
    for (const epoch of [0, 3]) {
      const order = tasks.order(
        epoch,
        (_epoch, data) => sampledRows(data),
        (_at, rows) => rows,
      );
      expect(order.length).toBe(tasks.stepsPerEpoch * tasks.batchSize);
      const counts = new Map<number, number>();
      for (const row of order) {
        expect(tasks.sequence.ofRow[row]).toBe(tasks.taskOf(epoch));
        counts.set(row, (counts.get(row) ?? 0) + 1);
      }
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    }
    expect(given.data.train.length).toBe(tasks.rowsOf(0).length + tasks.rowsOf(1).length);
  });

  it.each([
    [{ column: 'domain', order: ['near', 'elsewhere'] }, {}, /no value "elsewhere"/],
    [{ classes: [['a'], ['d']] }, {}, /no class "d"/],
    [
      {
        classes: [
          ['a', 'b'],
          ['b', 'c'],
        ],
      },
      {},
      /in two tasks/,
    ],
    [{ column: 'group' }, { training: { epochs: 2 } }, /3 tasks share 2 epochs/],
    [BY_CLASS, { task: 'regression' }, /the task is regression/],
  ])('are refused where they do not fit: %j', (tasks, more, message) => {
    expect(() => run(tasks, more as ProblemOptions)).toThrow(
      expect.objectContaining({ code: 'TRAINING_TASKS', message: expect.stringMatching(message) as string }),
    );
  });

  it('are told in one way', () => {
    for (const tasks of [{}, { column: 'domain', classes: [['a'], ['b']] }, { column: 'domain', heads: 'own' }]) {
      expect(trainingOptions.safeParse({ tasks }).success).toBe(false);
    }
  });

  it('do not go with early stopping, nor own heads with soft targets', () => {
    const codes = (type: object, ownHeads: boolean): string[] =>
      findConflicts({
        active: [resolveEntry(type as Record<string, unknown>, 'here')],
        task: 'classification',
        parameters: [],
        operators: [],
        optimizer: 'sgd',
        inputs: [],
        rows: 10,
        epochs: 4,
        classes: ['a', 'b', 'c'],
        columns: [],
        tasks: { names: ['1', '2'], ownHeads },
      }).map(({ code }) => code);
    expect(codes({ type: 'early-stopping' }, false)).toContain('TASKS_WITH_EARLY_STOPPING');
    expect(codes({ type: 'label-smoothing', strength: 0.1 }, true)).toContain('TASKS_OWN_HEADS_WITH_SOFT_TARGETS');
    expect(codes({ type: 'label-smoothing', strength: 0.1 }, false)).toEqual([]);
  });
});

describe('own heads', () => {
  it("leave the weights of other tasks' classes alone", async () => {
    const given = problem({
      training: {
        epochs: 2,
        optimizer: { type: 'sgd', learningRate: 0.1 },
        tasks: { ...BY_CLASS, heads: 'own' },
        checkpointSeconds: 0,
      },
    });
    const { checkpoints, graph } = await trained(await openRuntime(), given);
    const first = given.graph.initializers.get('output.bias')!.data as Float32Array;
    const between = checkpoints.find(({ progress }) => progress.epoch === 1)!.state.get('parameter.output.bias')!;
    const last = graph.initializers.get('output.bias')!.data as Float32Array;
    // A task of one class has nothing to compete with, and teaches nothing.
    expect(Array.from(between)).toEqual(Array.from(first));
    expect(last[2]).toBe(first[2]);
    expect(last[0]).not.toBe(first[0]);
  });
});

describe('forgetting', () => {
  it('is the best value of a task while it was known minus the last, in the mean over earlier tasks', () => {
    const matrix = [
      [0.9, 0.1, 0.1],
      [0.95, 0.8, 0.2],
      [0.6, 0.7, 0.85],
    ];
    const found = forgettingOf(matrix, true);
    expect(found.average).toBeCloseTo((0.6 + 0.7 + 0.85) / 3, 12);
    expect(found.forgetting).toBeCloseTo((0.95 - 0.6 + (0.8 - 0.7)) / 2, 12);
    expect(found.backwardTransfer).toBeCloseTo((0.6 - 0.9 + (0.7 - 0.8)) / 2, 12);
    const errors = forgettingOf(
      [
        [1, 9],
        [3, 2],
      ],
      false,
    );
    expect(errors.forgetting).toBe(2);
    expect(errors.backwardTransfer).toBe(-2);
  });

  it('is told and recorded by epoch and task, and the same where a run was interrupted', async () => {
    const runtime = await openRuntime();
    const given = problem({
      rows: 60,
      training: { epochs: 4, tasks: BY_CLASS, checkpointSeconds: 0, optimizer: { type: 'adamw', learningRate: 0.05 } },
    });
    const whole = await trained(runtime, given);
    const { tasks, history, findings } = whole;
    expect(tasks!.matrix[0][0]).toBe(history[1].validation['accuracy.task-1']);
    expect(tasks!.matrix[1][1]).toBe(history[3].validation['accuracy.task-2']);
    expect(tasks!.forgetting).toBeGreaterThan(0.05);
    expect(findings).toContainEqual(expect.objectContaining({ code: 'TASKS_FORGETTING', severity: 'warning' }));
    for (const at of [2, 7, whole.checkpoints.length - 1]) {
      const resumed = await trained(runtime, given, { resume: whole.checkpoints[at] });
      expect(weightBytes(resumed)).toEqual(weightBytes(whole));
      expect(resumed.tasks).toEqual(tasks);
    }
  });
});
