import { describe, expect, test } from 'vitest';
import { derive } from '../../numeric/random.js';
import { MemoryTest, type MemoryTestOptions } from './memory-test.js';

const OPTIONS: MemoryTestOptions = {
  sli: { type: 'memory', allowed: 0.05, required: 'none', weight: 1 },
  ...{ alpha: 0.001, promotionError: 0.05 },
};
const MIB = 2 ** 20;

/** Answers of one process, a tenth of them with what it held. */
function feed(test_: MemoryTest, process: string, to: number, held: (answers: number) => number, from = 0): void {
  for (let answers = from + 10; answers <= to; answers += 10) {
    const memory = { process, answers, bytes: held(answers) };
    test_.single('', 'candidate', { status: 'ok', latencyMs: 1, slices: [], features: {}, memory });
  }
}

describe('memory of the processes of a candidate', () => {
  const random = derive('memory');
  const noise = () => MIB * random.normal();
  const warming = (answers: number) => 100 * MIB * (1 - 0.3 * Math.exp(-answers / 400)) + noise();

  test('that grow until they are warm is none of its faults; that a leak grows is', () => {
    const warm = new MemoryTest(OPTIONS);
    feed(warm, 'a', 20_000, warming);
    expect(warm.refuted).toBeUndefined();
    expect(warm.foremost(500)).toMatchObject({ verdict: 'within', allowed: 0.05 });
    const leaking = new MemoryTest(OPTIONS);
    feed(leaking, 'a', 3000, (answers) => warming(answers) + answers * 20_000);
    expect(leaking.refuted?.logEvidence).toBeGreaterThan(Math.log(1000));
    expect(leaking.foremost(500)).toMatchObject({ verdict: 'regressed', type: 'memory' });
  });

  test('is judged over processes that follow each other, and goes on as it was written down', () => {
    const leak = (answers: number) => warming(answers) + answers * 20_000;
    let restored = new MemoryTest(OPTIONS);
    const whole = new MemoryTest(OPTIONS);
    const same = derive('memory', 'same');
    const levels = Array.from({ length: 4000 }, (_, i) => leak(i) + MIB * same.normal());
    for (let process = 0; process < 12; process++) {
      for (let part = 0; part < 4; part++) {
        restored = new MemoryTest(OPTIONS, JSON.parse(JSON.stringify(restored.state)));
        for (const each of [restored, whole]) {
          feed(each, `${process}`, 400 * (part + 1), (answers) => levels[answers], 400 * part);
        }
      }
    }
    expect(restored.state).toEqual(whole.state);
    expect(restored.foremost(500)).toEqual(whole.foremost(500));
    expect(whole.refuted).toBeDefined();
  });
});
