import { compiledProviders, openNative } from './ffi/environment.js';
import { openFfiRuntime } from './ffi/runtime.js';
import { hasCudaLibrary, packageVersion } from './package.js';
import { FINDING, type Finding } from './probe.js';
import { probeRuntime } from './probe-step.js';

/**
 * The program that probes the fast path, in a process of its own because a wrong function table or a broken driver ends
 * in a crash. It prints one line per {@link Finding}, so that what was found before a crash counts.
 */

const print = (finding: Finding): void => {
  process.stdout.write(`${FINDING}${JSON.stringify(finding)}\n`);
};

async function main(): Promise<void> {
  const expected = packageVersion();
  const runtime = openFfiRuntime(['cpu', 'cuda']);
  if (runtime.version !== expected) {
    throw new Error(`the library says it is ${runtime.version}, its package ${expected}`);
  }
  await probeRuntime(runtime);
  print({ provider: 'cpu' });
  if (hasCudaLibrary() && compiledProviders(openNative()).includes('CUDAExecutionProvider')) {
    await probeRuntime(runtime, { provider: 'cuda' });
    print({ provider: 'cuda' });
  }
}

main().catch((error: unknown) => {
  print({ fault: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
});
