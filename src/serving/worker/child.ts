import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { withOutputs } from '../../compression/observe/activations.js';
import { BallastError } from '../../errors.js';
// Not by the room's index: a process starts sooner without what it does not use.
import { readModel } from '../../graph/format/decode.js';
import { writeModel } from '../../graph/format/encode.js';
import { normalize } from '../../graph/format/normalize.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Session } from '../../graph/runtime/runtime.js';
import type { ErrorRecord, FromChild, LoadedModel, RunUse, Tensors, ToChild } from './messages.js';
import { isObservable, narrowed, viewOf } from './view.js';

/**
 * The program that runs one model, in a process of its own: what a request does to the runtime, it does to no other model. It ends
 * with the server that started it.
 */

/** Opened before a model is known. The stock binding: this process does nothing beside, and needs no probe before its first answer. */
const runtime = openRuntime({ backend: 'stock' });
let session: Session | undefined;
/** What is observed of inputs that are no columns. */
let view: string | undefined;
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
  const wanted = viewOf(model.graph);
  const seen = wanted === undefined ? model : { ...model, graph: withOutputs(model.graph, [wanted]) };
  session = await (await runtime).load(writeModel(seen), { threads });
  const outputs = session.outputs.slice(0, model.graph.outputs.length);
  if (wanted !== undefined && isObservable(session.outputs.find(({ name }) => name === wanted))) view = wanted;
  return {
    inputs: session.inputs,
    outputs,
    ...(view === undefined ? {} : { view }),
    metadata: Object.fromEntries(model.metadata),
    loadMs: performance.now() - start,
  };
}

async function run({ id, feeds, fetches }: Extract<ToChild, { kind: 'run' }>): Promise<void> {
  if (session === undefined) throw new Error('a model is loaded before it runs');
  const start = performance.now();
  const before = process.cpuUsage();
  try {
    const outputs = observed(await session.run(feeds, fetches), feeds);
    const { user, system } = process.cpuUsage(before);
    const ms = Math.min(performance.now() - start, (user + system) / 1000);
    tell({ kind: 'answer', id, outputs, use: { ms, ...(runs++ % MEMORY_EVERY === 0 ? memoryHeld() : {}) } });
  } catch (error) {
    tell({ kind: 'fault', id, error: recordOf(error) });
  }
}

/** What is answered, with its view made narrow. */
function observed(fetched: Tensors, feeds: Tensors): Tensors {
  if (view === undefined || !(view in fetched)) return fetched;
  const { [view]: seen, ...outputs } = fetched;
  const narrow = narrowed(seen, Object.values(feeds)[0]?.shape[0] ?? 0);
  return narrow === undefined ? outputs : { ...outputs, [view]: narrow };
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
