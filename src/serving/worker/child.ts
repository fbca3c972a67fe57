import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BallastError } from '../../errors.js';
// Not by the room's index: a process starts sooner without what it does not use.
import { readModel } from '../../graph/format/decode.js';
import { writeModel } from '../../graph/format/encode.js';
import { normalize } from '../../graph/format/normalize.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Session } from '../../graph/runtime/runtime.js';
import type { ErrorRecord, FromChild, LoadedModel, RunUse, ToChild } from './messages.js';

/**
 * The program that runs one model, in a process of its own: what a request does to the runtime, it does to no other model. It ends
 * with the server that started it.
 */

/** Opened before a model is known. The stock binding: this process does nothing beside, and needs no probe before its first answer. */
const runtime = openRuntime({ backend: 'stock' });
let session: Session | undefined;
let runs = 0;
/** Runs from one look at the memory to the next. */
const MEMORY_EVERY = 10;

function tell(message: FromChild): void {
  process.send?.(message);
}

async function load({ file, sha256, threads }: Extract<ToChild, { kind: 'load' }>): Promise<LoadedModel> {
  const start = performance.now();
  const bytes = await readFile(file);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) {
    throw new BallastError('The model file is not the one that was registered', {
      code: 'ARTIFACT_CORRUPT',
      kind: 'environment',
      place: file,
      remedy: 'Check the store (ballast doctor), and register the model again.',
    });
  }
  const model = normalize(readModel(bytes));
  session = await (await runtime).load(writeModel(model), { threads });
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    metadata: Object.fromEntries(model.metadata),
    loadMs: performance.now() - start,
  };
}

async function run({ id, feeds, fetches }: Extract<ToChild, { kind: 'run' }>): Promise<void> {
  if (session === undefined) throw new Error('a model is loaded before it runs');
  const start = performance.now();
  const before = process.cpuUsage();
  try {
    const outputs = await session.run(feeds, fetches);
    const { user, system } = process.cpuUsage(before);
    const ms = Math.min(performance.now() - start, (user + system) / 1000);
    tell({ kind: 'answer', id, outputs, use: { ms, ...(runs++ % MEMORY_EVERY === 0 ? memoryHeld() : {}) } });
  } catch (error) {
    tell({ kind: 'fault', id, error: recordOf(error) });
  }
}

function memoryHeld(): Required<Pick<RunUse, 'memoryBytes'>> {
  const { rss, heapTotal, external } = process.memoryUsage();
  return { memoryBytes: rss - heapTotal - external };
}

function recordOf(error: unknown): ErrorRecord {
  if (!(error instanceof BallastError)) {
    return { message: error instanceof Error ? error.message : String(error), code: 'RUN_FAILED', kind: 'environment' };
  }
  const { message, code, kind, place, remedy } = error;
  return {
    ...{ message, code, kind },
    ...(place === undefined ? {} : { place }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

// A fault of the runtime is told where a model is to be loaded.
runtime.catch(() => {});
process.on('message', (message: ToChild) => {
  if (message.kind === 'run') {
    void run(message);
    return;
  }
  load(message).then(
    (model) => tell({ kind: 'ready', model }),
    (error: unknown) => tell({ kind: 'refused', error: recordOf(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal: the server decides when this one ends.
process.on('SIGINT', () => {});
