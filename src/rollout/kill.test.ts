import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Course, courseOf } from '../../test/support/killed-rollout.js';
import { derive } from '../numeric/random.js';
import { openStore, type Store } from '../store/index.js';
import { advanceRollout } from './controller.js';

class Killed extends Error {}

/** A store whose user dies at random before or after a call. */
function mortal(store: Store, dies: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]) => {
        if (dies()) throw new Killed();
        const answer = (await Reflect.apply(member, target, given)) as unknown;
        if (dies()) throw new Killed();
        return answer;
      };
    },
  });
}

describe('a controller that is killed', () => {
  let folder: string;
  let store: Store;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-kill-'));
    store = await openStore(folder);
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(model: string, failed: number, dies: () => boolean): Promise<Course & { deaths: number }> {
    let deaths = 0;
    const course = await courseOf({
      ...{ store, model, failed },
      async advance(id, now) {
        for (;;) {
          try {
            return await advanceRollout(mortal(store, dies), id, now);
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
            deaths++;
          }
        }
      },
    });
    return { ...course, deaths };
  }

  test.each([
    ['good', 0.001],
    ['failing', 0.45],
  ])('at 200 random points decides what it decides undisturbed: %s', async (name, failed) => {
    const undisturbed = await run(`${name}-calm`, failed, () => false);
    const random = derive(9, name);
    const killed = await run(`${name}-killed`, failed, () => random.uniform() < 0.13);
    expect(killed.deaths).toBeGreaterThan(name === 'good' ? 200 : 20);
    expect(killed.decisions).toEqual(undisturbed.decisions);
    expect(undisturbed.decisions.length).toBeGreaterThan(1);
    // A death between a decision and its alert loses neither, and tells nobody twice.
    expect(killed.alerts).toEqual(undisturbed.alerts);
    expect(killed.traffic).toEqual(undisturbed.traffic);
    expect(undisturbed.alerts).toHaveLength(name === 'good' ? 0 : 1);
  });
});
