import { beforeAll, describe, it } from 'vitest';
import { readGolden } from '../../../test/support/golden-network.js';
import { expectGoldenTasks, type GoldenTasks } from '../../../test/support/golden-tasks.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';

const golden = readGolden<GoldenTasks>(import.meta.url, 'synaptic-intelligence');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('synaptic-intelligence over three tasks against PyTorch', () => {
  it.each(golden.runs.map((run, i) => ({ i, run })))('run $i', ({ run }) => expectGoldenTasks(runtime, golden, run));
});
