import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BallastError } from '../../errors.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { tensorsOf } from '../../graph/tensor-record.js';
import { type BenchReport, type BenchSubject, bench, benchRatio } from '../measure/bench.js';
import { parseHead } from './wire.js';

/**
 * The program that an agent measures by, in a process of its own: a model that ends the runtime ends it alone. What it says,
 * a JSON document a line, goes back as it is.
 */
async function main(path: string): Promise<void> {
  const say = (document: unknown): void => void process.stdout.write(`${JSON.stringify(document)}\n`);
  try {
    const { settings, subjects } = parseHead(await readFile(path));
    const { seconds, starts, allThreads, price, provider } = settings;
    const all = allThreads && !settings.threads.includes(availableParallelism()) ? [availableParallelism()] : [];
    const given: BenchSubject[] = subjects.map(({ files, feeds }, i) => ({
      path: join(dirname(path), String(i), files[0].name),
      feeds: tensorsOf(feeds),
    }));
    const options = {
      ...{ seconds, starts, threads: [...settings.threads, ...all] },
      price: price ?? undefined,
      provider: provider ?? undefined,
      tell: (doing: string) =>
        say({ tell: given.reduce((text, each, i) => text.replace(each.path, subjects[i].shown), doing) }),
    };
    const runtime = await openRuntime();
    const reports: BenchReport[] = [];
    for (const each of given) reports.push(await bench(runtime, each, options));
    if (given.length > 1) say({ tell: 'the two in turns' });
    const ratio = given.length > 1 ? await benchRatio(runtime, given[0], given[1], options) : null;
    say({ reports, ratio });
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    say({ error: { ...error.toJSON(), kind: error.kind } });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv[2]);
}
