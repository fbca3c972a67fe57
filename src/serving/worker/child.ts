import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { withOutputs } from '../../compression/observe/activations.js';
import { BallastError } from '../../errors.js';
// Not by the room's index: a process starts sooner without what it does not use.
import { readModel } from '../../graph/format/decode.js';
import { writeModel } from '../../graph/format/encode.js';
import { normalize } from '../../graph/format/normalize.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Session } from '../../graph/runtime/runtime.js';
import { encodeFrame, readFrames } from './frames.js';
import {
  type AnswerFields,
  type ErrorRecord,
  type Load,
  type Loaded,
  type LoadedModel,
  RUNS,
  type RunFields,
  type RunUse,
  type Tensors,
} from './messages.js';
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

const stream = new Socket({ fd: RUNS, readable: true, writable: true });

function tell(message: Loaded): void {
  process.send?.(message);
}

async function load({ file, sha256, threads }: Load): Promise<LoadedModel> {
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

async function run({ id, fetches }: RunFields, feeds: Tensors): Promise<void> {
  stream.write(await answerOf(id, feeds, fetches));
}

/** The frame of a run's answer. */
async function answerOf(id: number, feeds: Tensors, fetches: readonly string[]): Promise<Buffer> {
  if (session === undefined) throw new Error('a model is loaded before it runs');
  const start = performance.now();
  const before = process.cpuUsage();
  try {
    const outputs = observed(await session.run(feeds, fetches), feeds);
    const { user, system } = process.cpuUsage(before);
    const ms = Math.min(performance.now() - start, (user + system) / 1000);
    const use = { ms, ...(runs++ % MEMORY_EVERY === 0 ? memoryHeld() : {}) };
    return encodeFrame<AnswerFields>({ fields: { id, use }, tensors: outputs });
  } catch (error) {
    return encodeFrame<AnswerFields>({ fields: { id, error: recordOf(error) }, tensors: {} });
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
process.on('message', (message: Load) => {
  load(message).then(
    (model) => tell({ kind: 'ready', model }),
    (error: unknown) => tell({ kind: 'refused', error: recordOf(error) }),
  );
});
readFrames<RunFields>(stream, ({ fields, tensors }) => void run(fields, tensors));
// The server is gone, or gives this process up.
stream.on('error', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal: the server decides when this one ends.
process.on('SIGINT', () => {});
