import { describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/store/index.js';
import type { Subject } from './subject.js';

/** The store contract's part on the holdout register. */
export function holdoutContract(subject: Subject): void {
  describe('holdout', () => {
    const lock = (hashes: readonly bigint[], generation = 1, settings = 's') => ({
      hashes: BigUint64Array.from(hashes),
      settings,
      generation,
    });

    test('a lock comes back, and each change is recorded with its reason', async () => {
      expect(await subject.store.readHoldout('wine')).toBeUndefined();
      const largest = 2n ** 64n - 1n;
      await subject.store.writeHoldout('wine', lock([0n, 5n, largest]), { reason: 'first split' });
      expect(await subject.store.readHoldout('wine')).toEqual(lock([0n, 5n, largest]));
      await subject.store.writeHoldout('wine', lock([0n, 5n, largest]), { reason: 'again' });
      await subject.store.writeHoldout('wine', lock([5n, 6n, 7n], 2, 't'), { reason: '--new-holdout' });
      await subject.store.writeHoldout('wine', lock([], 3), { reason: 'none' });
      expect(await subject.store.readHoldout('wine')).toEqual(lock([], 3));
      expect(await subject.store.holdoutChanges('wine')).toMatchObject([
        { version: 1, generation: 1, rows: 3, added: 3, removed: 0, reason: 'first split', actor: 'tester' },
        { version: 2, generation: 2, rows: 3, added: 2, removed: 2, reason: '--new-holdout' },
        { version: 3, generation: 3, rows: 0, added: 0, removed: 3, reason: 'none' },
      ]);
      for (const hashes of [
        [2n, 1n],
        [1n, 1n],
      ]) {
        await expect(subject.store.writeHoldout('wine', lock(hashes), { reason: 'x' })).rejects.toMatchObject({
          code: 'HOLDOUT_INVALID',
        });
      }
    });

    test('of two commands that draw the same holdout at once, both go on, and it changed once', async () => {
      await using other = await openStore(subject.place.url);
      const registers = [subject.store, other, subject.store, other].map((store) => store.holdoutRegister('train'));
      await Promise.all(registers.map((register) => register.read('drawn alike')));
      await Promise.all(registers.map((register) => register.write('drawn alike', lock([4n, 7n]))));
      expect(await subject.store.readHoldout('drawn alike')).toEqual(lock([4n, 7n]));
      expect(await subject.store.holdoutChanges('drawn alike')).toHaveLength(1);
    });

    test('of two commands that draw different holdouts at once, one fails', async () => {
      await using other = await openStore(subject.place.url);
      for (const name of ['drawn once', 'drawn once', 'drawn twice']) {
        const registers = [subject.store.holdoutRegister('train a'), other.holdoutRegister('train b')];
        const before = await Promise.all(registers.map((register) => register.read(name)));
        const generation = (before[0]?.generation ?? 0) + 1;
        const results = await Promise.allSettled(
          registers.map((register, i) => register.write(name, lock([BigInt(i + 10 * generation)], generation))),
        );
        expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
          reason: { code: 'HOLDOUT_CHANGED', kind: 'conflict' },
        });
        expect((await subject.store.readHoldout(name))?.hashes).toHaveLength(1);
      }
      expect(await subject.store.holdoutChanges('drawn once')).toHaveLength(2);
    });

    test('a register may write again what it has written', async () => {
      const register = subject.store.holdoutRegister('train');
      await register.read('rewritten');
      await register.write('rewritten', lock([1n]));
      await register.write('rewritten', lock([1n, 2n]));
      expect(await register.read('rewritten')).toEqual(lock([1n, 2n]));
    });

    test('reads are counted per row set, by any number of readers at once', async () => {
      await using other = await openStore(subject.place.url, { actor: 'other' });
      const read = (who: Store, rowSet: string) =>
        who.countHoldoutRead({ datasetName: 'counted', rowSet, reader: 'runs:/1', command: 'evaluate' });
      const numbers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => read(i % 2 === 0 ? subject.store : other, i < 16 ? 'rows a' : 'rows b')),
      );
      const counted = (from: number, to: number) => numbers.slice(from, to).sort((a, b) => a - b);
      expect(counted(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
      expect(counted(16, 20)).toEqual([1, 2, 3, 4]);
      expect(await subject.store.holdoutReads({ datasetName: 'counted' })).toHaveLength(20);
      expect(
        await subject.store.holdoutReads({ rowSet: 'rows b', reader: 'runs:/1', command: 'evaluate' }),
      ).toHaveLength(4);
      expect(await subject.store.holdoutReads({ reader: 'runs:/2' })).toEqual([]);
      const register = subject.store.holdoutRegister('evaluate x --holdout');
      expect(await register.countRead('counted', 'rows a', 'models:/x/1')).toBe(17);
      expect((await subject.store.holdoutReads({ reader: 'models:/x/1' }))[0]).toMatchObject({
        number: 17,
        command: 'evaluate x --holdout',
        actor: 'tester',
      });
    });

    test('what was recorded of it cannot be changed or removed', async () => {
      for (const table of ['holdout_read', 'holdout_change', 'audit_event']) {
        await subject.store.audit({ action: 'test', subject: 'x' });
        for (const sql of [`delete from ${table}`, `update ${table} set actor = 'x'`]) {
          await expect(subject.place.execute(sql)).rejects.toThrow(`${table} is append-only`);
        }
      }
    });
  });
}
