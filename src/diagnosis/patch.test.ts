import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPatch, type SpecPatch } from './patch.js';

describe('applyPatch', () => {
  const spec = { a: { b: 1 }, list: [{ strength: 1 }, { strength: 2 }] };

  test('replaces, adds, appends and removes, and leaves the spec as it was', () => {
    const patch: SpecPatch = [
      { op: 'replace', path: '/a/b', value: 2 },
      { op: 'add', path: '/a/c~1d~0e', value: 3 },
      { op: 'add', path: '/list/-', value: { strength: 3 } },
      { op: 'replace', path: '/list/0/strength', value: 0.5 },
      { op: 'remove', path: '/list/1' },
    ];
    const before = structuredClone(spec);
    expect(applyPatch(spec, patch)).toEqual({ a: { b: 2, 'c/d~e': 3 }, list: [{ strength: 0.5 }, { strength: 3 }] });
    expect(spec).toEqual(before);
  });

  test('a removal undoes an addition anywhere in a list', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 6 }), fc.integer(), fc.nat(6), (list, value, at) => {
        const index = Math.min(at, list.length);
        const added = applyPatch({ list }, [{ op: 'add', path: `/list/${index}`, value }]);
        expect(added.list[index]).toBe(value);
        expect(applyPatch(added, [{ op: 'remove', path: `/list/${index}` }])).toEqual({ list });
      }),
    );
  });

  test('refuses a path that leads nowhere', () => {
    expect(() => applyPatch(spec, [{ op: 'replace', path: '/nothing/here', value: 1 }])).toThrow();
  });
});
