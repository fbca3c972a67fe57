import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { energyCounters, energyPer1000 } from './energy.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-energy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Counters as Linux shows them: two packages, a part of one, and one of the whole board. */
function counter(zone: string, name: string, microjoules: number): void {
  mkdirSync(join(folder, zone), { recursive: true });
  writeFileSync(join(folder, zone, 'name'), `${name}\n`);
  writeFileSync(join(folder, zone, 'max_energy_range_uj'), '1000000\n');
  writeFileSync(join(folder, zone, 'energy_uj'), `${microjoules}\n`);
}

test('the packages of a machine are summed, and a counter that began anew is carried on', async () => {
  counter('intel-rapl:0', 'package-0', 100);
  counter('intel-rapl:0:0', 'core', 50);
  counter('intel-rapl:1', 'package-1', 999_900);
  counter('intel-rapl:2', 'psys', 5);
  mkdirSync(join(folder, 'intel-rapl:3'));
  const counters = await energyCounters(folder);
  expect(counters.map(({ path }) => path.split('/').at(-2))).toEqual(['intel-rapl:0', 'intel-rapl:1']);
  let calls = 0;
  const target = {
    call: async () => {
      calls++;
      // 300 and 200 microjoules by the end.
      counter('intel-rapl:0', 'package-0', 400);
      counter('intel-rapl:1', 'package-1', 100);
    },
    release: () => undefined,
  };
  const joules = await energyPer1000(target, { seconds: 0, batch: 2 }, counters);
  expect(calls).toBe(3);
  expect(joules).toBeCloseTo((500 / 1e6) * (1000 / 6), 12);
});

test('where a machine does not tell, it is not known', async () => {
  const none = await energyCounters(join(folder, 'nowhere'));
  expect(none).toEqual([]);
  const target = { call: () => Promise.reject(new Error('not called')), release: () => undefined };
  expect(await energyPer1000(target, { seconds: 1, batch: 1 }, none)).toBeNull();
});
