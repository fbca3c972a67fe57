import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { deserialize } from 'node:v8';
import type { Tensor } from '../../graph/tensor.js';

/**
 * The program that a cold start is measured by: it knows the plain runtime and nothing of Ballast, as a deployed function
 * would. It prints a line at its first answer and one about itself after a few more.
 */

/** What the last line starts with. */
export const ANSWER = 'ballast-cold ';

export interface ColdAnswer {
  readonly loadMs: number;
  readonly peakMemoryBytes: number;
}

/** Further answers before memory is read: buffers are grown by then. */
const WARM_CALLS = 5;

async function main([path, file, threads]: readonly string[]): Promise<void> {
  const { InferenceSession, Tensor: RuntimeTensor } = await import('onnxruntime-node');
  const read = deserialize(readFileSync(file)) as Record<string, Tensor>;
  const feeds = Object.fromEntries(
    Object.entries(read).map(([name, { type, data, shape }]) => [
      name,
      new RuntimeTensor(type as 'float32', data as Float32Array, [...shape]),
    ]),
  );
  const began = performance.now();
  const session = await InferenceSession.create(path, {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const loadMs = performance.now() - began;
  await session.run(feeds);
  process.stdout.write('answered\n');
  for (let call = 0; call < WARM_CALLS; call++) await session.run(feeds);
  const answer: ColdAnswer = { loadMs, peakMemoryBytes: process.resourceUsage().maxRSS * 1024 };
  process.stdout.write(`${ANSWER}${JSON.stringify(answer)}\n`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
