/**
 * A process of its own that works on a store, for tests that kill it or run several at once:
 *
 *     node --import tsx store-writer.ts URL hold          one run, then waits to be killed
 *     node --import tsx store-writer.ts URL write         runs with metrics and artifacts, without end
 *     node --import tsx store-writer.ts URL count TIMES   reads the holdout so many times
 *     node --import tsx store-writer.ts URL expire        everything that nothing needs, saying so before and after
 *     node --import tsx store-writer.ts URL observe       observations on a disk that is full, and then is not
 *     node --import tsx store-writer.ts URL fill WHAT     metrics or artifacts until an error; says it, then what is wrong
 *
 * Each line on stdout is something the store has promised to keep.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BallastError } from '../../src/errors.js';
import { Recorder } from '../../src/monitoring/record/recorder.js';
import { openStore, type Store } from '../../src/store/index.js';

/** Points a writer logs per run; the test that kills it counts them. */
const POINTS_PER_RUN = 300;

const [url = '', mode = '', detail = ''] = process.argv.slice(2);
if (mode !== '') await main();

async function main(): Promise<void> {
  const store = await openStore(url);
  if (mode === 'hold') {
    say(await createRun(store));
    setInterval(() => {}, 1000);
  } else if (mode === 'write') {
    for (;;) say(await writeRun(store));
  } else if (mode === 'expire') {
    const policy = { ...(await store.retentionPolicy()), rows: 1, runsMs: 1, artifactsMs: 1, deletedMs: 1 };
    say('begin');
    await store.applyRetention({ policy, now: Date.now() + 1000 });
    say('end');
    await store.close();
  } else if (mode === 'observe') {
    await observeOnFullDisk(store);
    await store.close();
  } else if (mode === 'fill') {
    await fill(store);
    await store.close();
  } else {
    for (let i = 0; i < Number(detail); i++) {
      say(await store.countHoldoutRead({ datasetName: 'shared', rowSet: 'all', reader: 'child', command: 'count' }));
    }
    await store.close();
  }
}

/** Says what the recorder holds while the disk is full, and after there is room again. */
async function observeOnFullDisk(store: Store): Promise<void> {
  const told: string[] = [];
  const recorder = new Recorder(store, { capacity: 500, everyMs: 3_600_000, onChange: (line) => told.push(line) });
  const observe = (count: number): void => {
    for (let i = 0; i < count; i++) {
      recorder.observe({
        ...{
          id: randomUUID(),
          at: Date.now(),
          model: 'm',
          version: '1',
          regularizerId: 'rg',
          role: 'live',
          status: 'ok',
        },
        ...{ latencyMs: 1, features: { text: 'x'.repeat(500) }, prediction: 1, flags: [], metadata: {} },
      });
    }
  };
  observe(10);
  await recorder.flush();
  const filler = join(url, 'filler');
  const handle = await open(filler, 'w');
  try {
    for (;;) await handle.write(Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  await handle.close();
  observe(2000);
  await recorder.flush();
  const full = recorder.state;
  observe(2000);
  await recorder.flush();
  const later = recorder.state;
  await rm(filler);
  await recorder.flush();
  await recorder.stop();
  const windows = await store.windowsOf('m', { slice: '' });
  say(
    JSON.stringify({
      ...{ full, later, after: recorder.state, told, problems: await store.verify() },
      rows: (await store.observationsAfter('m', 0, 10_000)).length,
      counted: windows.reduce((sum, { requests }) => sum + requests, 0),
    }),
  );
}

async function fill(store: Store): Promise<void> {
  const runId = await createRun(store);
  let written = 0;
  try {
    for (; ; written++) {
      if (detail === 'artifacts') await store.putArtifact(runId, `a${written}`, randomBytes(100_000));
      else
        await store.logMetrics(
          runId,
          Array.from({ length: 1000 }, (_, i) => ({ name: `m${i}`, step: written, value: i })),
        );
    }
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    say(JSON.stringify({ code: error.code, exitCode: error.exitCode, message: error.message }));
  }
  const kept = detail === 'artifacts' ? await store.listArtifacts(runId) : await store.metricHistory(runId, 'm999');
  say(JSON.stringify({ written, kept: kept.length, problems: await store.verify() }));
}

async function writeRun(store: Store): Promise<string> {
  const runId = await createRun(store);
  const points = Array.from({ length: POINTS_PER_RUN }, (_, step) => ({ name: `loss${step % 10}`, step, value: step }));
  await store.logMetrics(runId, points);
  await store.putArtifact(runId, 'model.onnx', randomBytes(50_000), { model: true });
  await store.finishRun(runId, 'finished');
  return runId;
}

function createRun(store: Store): Promise<string> {
  return store.createRun({
    name: 'child',
    kind: 'train',
    spec: null,
    seed: 1,
    datasetName: null,
    dataVersion: null,
    regularizerId: null,
    manifest: null,
    environment: null,
  });
}

function say(line: string | number): void {
  process.stdout.write(`${line}\n`);
}
