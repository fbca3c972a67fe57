import { beforeAll, describe, it } from 'vitest';
import { readGolden } from '../../../test/support/golden-network.js';
import { expectGoldenTasks, type GoldenTasks } from '../../../test/support/golden-tasks.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';

const golden = readGolden<GoldenTasks>(import.meta.url, 'learning-without-forgetting');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('learning-without-forgetting over three tasks against PyTorch', () => {
  it.each(golden.runs.map((run, i) => ({ i, run })))('run $i', ({ run }) => expectGoldenTasks(runtime, golden, run));
});
