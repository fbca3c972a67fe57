import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runnable } from './latency.js';

/** Where Linux shows the energy counters of Intel's and AMD's processors (RAPL). */
const COUNTERS = '/sys/class/powercap';

/** A counter of microjoules that begins anew at its range. */
interface Counter {
  readonly path: string;
  readonly range: number;
}

/**
 * The counters of whole processor packages that may be read; none on machines without them, or where only the administrator
 * may read them.
 */
export async function energyCounters(folder = COUNTERS): Promise<readonly Counter[]> {
  const found: Counter[] = [];
  const names = (await unlessHidden(readdir(folder))) ?? [];
  for (const zone of names.filter((each) => /^intel-rapl:\d+$/.test(each)).sort()) {
    const path = join(folder, zone, 'energy_uj');
    const name = await unlessHidden(readFile(join(folder, zone, 'name'), 'utf8'));
    const range = Number(await unlessHidden(readFile(join(folder, zone, 'max_energy_range_uj'), 'utf8')));
    const now = await unlessHidden(read(path));
    if (name?.startsWith('package') === true && range > 0 && now !== undefined) found.push({ path, range });
  }
  return found;
}

/** A machine without such files, and one where others may not read them, is one whose energy is not known. */
async function unlessHidden<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM', 'ENODATA'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

/**
 * Joules that 1,000 rows take: those of whole processor packages while a model is called again and again, whatever else the
 * machine does among them; null where the machine does not tell.
 */
export async function energyPer1000(
  target: Runnable,
  {
    seconds,
    batch,
    signal,
  }: { readonly seconds: number; readonly batch: number; readonly signal?: AbortSignal | undefined },
  counters: readonly Counter[],
): Promise<number | null> {
  if (counters.length === 0) return null;
  const before = await Promise.all(counters.map(({ path }) => read(path)));
  const end = performance.now() + 1000 * seconds;
  let calls = 0;
  do {
    signal?.throwIfAborted();
    await target.call();
  } while (++calls < 3 || performance.now() < end);
  const after = await Promise.all(counters.map(({ path }) => read(path)));
  const microjoules = counters.reduce((sum, { range }, i) => {
    const used = after[i] - before[i];
    return sum + (used < 0 ? used + range : used);
  }, 0);
  return (microjoules / 1e6) * (1000 / (calls * batch));
}

const read = async (path: string): Promise<number> => Number(await readFile(path, 'utf8'));
