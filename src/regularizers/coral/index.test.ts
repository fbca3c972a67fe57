import { beforeAll, describe, it } from 'vitest';
import { expectGoldenGradient, type GoldenNetwork, readGolden } from '../../../test/support/golden-network.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';

const golden = readGolden<GoldenNetwork>(import.meta.url, 'coral');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('coral against PyTorch', () => {
  it.each(golden.cases.map((test, i) => ({ i, test })))('case $i', ({ test }) =>
    expectGoldenGradient(runtime, golden, test),
  );
});
