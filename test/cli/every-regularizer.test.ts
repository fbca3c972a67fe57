import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/regularizers/manifest.js';
import { listRegularizers, regularizerOf } from '../../src/regularizers/registry.js';
import { resolveEntry } from '../../src/regularizers/resolve.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { REGISTRY_SPECS, specOf, specWith, UNFIT, writeRegistryData } from '../support/registry-specs.js';
import { writeSpec } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

/** An entry of `ballast regularizers --json`. */
interface Listed {
  readonly name: string;
  readonly title: string;
  readonly acts: readonly string[];
  readonly strength: { readonly parameter: string; readonly min: number; readonly max: number; readonly scale: string };
  readonly tasks: readonly string[];
  readonly modalities: readonly string[];
  readonly cost: { readonly training: string; readonly inference: string };
  readonly fails: readonly string[];
  readonly conflicts: readonly { readonly with: string; readonly reason: string; readonly source: string }[];
  readonly source: readonly string[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballast-registry-'));
  writeRegistryData(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ALL = listRegularizers().map((regularizer) => ({ type: regularizer.type, regularizer }));

test('every type of the registry is in a spec', () => {
  const types = new Set(REGISTRY_SPECS.flatMap(({ regularizers }) => regularizers.map(({ type }) => type)));
  expect([...types].sort()).toEqual(ALL.map(({ type }) => type).sort());
});

test('the catalogue lists each with where it acts, its strength, tasks, conflicts and sources; a name prints its card', async () => {
  const { code, json } = await ballast(folder, 'regularizers', '--json');
  expect(code).toBe(0);
  const listed = json<Listed[]>();
  expect(listed.map(({ name }) => name)).toEqual(ALL.map(({ type }) => type));
  for (const { name, title, acts, strength, tasks, modalities, cost, fails, conflicts, source } of listed) {
    expect(acts.length, name).toBeGreaterThan(0);
    expect(strength.parameter, name).toBe(regularizerOf(name).strength.inverse?.option ?? 'strength');
    expect(strength, name).toMatchObject({ min: expect.any(Number), max: expect.any(Number) });
    expect(['log', 'linear']).toContain(strength.scale);
    expect(tasks, name).toContain('classification');
    expect(modalities.length, name).toBeGreaterThan(0);
    expect(cost, name).toEqual({ training: expect.stringMatching(/\w/), inference: expect.stringMatching(/\w/) });
    expect(fails.length, name).toBeGreaterThan(0);
    for (const conflict of conflicts) {
      expect(conflict, name).toMatchObject({ with: expect.any(String), reason: expect.any(String) });
      expect(conflict.source.length, name).toBeGreaterThan(5);
    }
    expect(source.length, name).toBeGreaterThan(0);
    const card = await ballast(folder, 'regularizers', name);
    expect(card.stdout.split('\n')[0]).toBe(`# ${title}`);
  }
  const kinds = new Map(listed.map(({ name, modalities }) => [name, modalities]));
  expect(kinds.get('l1')).toEqual(['tabular', 'image', 'series', 'audio', 'text']);
  expect(kinds.get('augmix')).toEqual(['image']);
  expect(kinds.get('text-augmentation')).toEqual(['text']);
});

describe('from a spec, by the command line', () => {
  test.each(REGISTRY_SPECS.map((spec) => ({ ...spec, title: spec.regularizers.map(({ type }) => type).join(', ') })))(
    '$title: trains, is in the manifest, and the model answers',
    async ({ body, regularizers }) => {
      writeSpec(folder, specOf(body, regularizers));
      const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
      expect(code, stderr).toBe(0);
      const { runs } = json<TrainDocument>();
      expect(runs.map(({ role, outcome }) => `${role} ${outcome}`)).toEqual(['baseline completed', 'model completed']);
      for (const { metrics } of runs) {
        for (const { logLoss } of Object.values(metrics)) expect(Number.isFinite(logLoss.value)).toBe(true);
      }
      const [{ regularizerId: plain }, model] = runs;
      expect(model.regularizerId).not.toBe(plain);
      await using store = await openStore(join(folder, '.ballast'));
      const manifest = (await store.getRun(model.runId)).manifest as Manifest;
      expect(manifest.regularizers.map(({ type }) => type).sort()).toEqual(regularizers.map(({ type }) => type).sort());
      const answers = await answersOf(resolve(folder, model.model));
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.every(Number.isFinite)).toBe(true);
    },
  );
});

describe('what does not go', () => {
  test.each(ALL)('$type refuses a strength beyond its limits', async ({ type, regularizer: { strength } }) => {
    const { body, regularizers, index } = specWith(type);
    const { inverse, limits } = strength;
    const beyond = inverse === undefined ? { strength: 1.5 * limits[1] } : { [inverse.option]: 0 };
    const changed = regularizers.map((entry, i) => (i === index ? { ...entry, ...beyond } : entry));
    writeSpec(folder, specOf(body, changed));
    await expectRefusal(`regularizers[${index}].${Object.keys(beyond)[0]}`);
  });

  test.each(
    ALL.flatMap(({ type, regularizer: { needs = {} } }) => {
      const { body, regularizers, index } = specWith(type);
      const entry = regularizers[index];
      const column = needs.column ?? needs.columnOf?.(resolveEntry(entry, 'here').options);
      const { content = [] } = needs;
      return [
        ...(needs.classes === true
          ? [{ type, entry, lacks: 'classes', body: UNFIT.regression(body), place: 'regularizers[0]' }]
          : []),
        ...(needs.tasks === true ? [{ type, entry, lacks: 'tasks', body: UNFIT.plain, place: 'training.tasks' }] : []),
        ...(needs.labels === true
          ? [{ type, entry, lacks: 'labels', body: UNFIT.unlabelled, place: 'data.unlabelled' }]
          : []),
        ...(column === undefined
          ? []
          : [{ type, entry, lacks: `a ${column} column`, body: UNFIT.plain, place: `data.columns.${column}` }]),
        ...(content.length === 0
          ? []
          : [
              {
                type,
                entry,
                lacks: `an input of ${content.join(', ')}`,
                body: content.includes('tabular') ? UNFIT.words : UNFIT.plain,
                place: 'regularizers[0]',
              },
            ]),
      ];
    }),
  )('$type without $lacks is refused at $place', async ({ entry, body, place }) => {
    writeSpec(folder, specOf(body, [entry]));
    await expectRefusal(place);
  });
});

/** The spec is refused before anything is trained, and the message names the key. */
async function expectRefusal(place: string): Promise<void> {
  const { code, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
  expect(code).toBe(2);
  const { error } = json<{ error: { place: string; message: string } }>();
  expect(error.place, error.message).toContain(place);
}

/** Every number that a model answers two rows of zeros (or of words that it does not know) with. */
async function answersOf(path: string): Promise<number[]> {
  const session = await InferenceSession.create(path);
  const feeds = session.inputMetadata.map((input) => {
    if (!input.isTensor) throw new Error(`${input.name} is no tensor`);
    const shape = input.shape.map((length) => (typeof length === 'number' && length > 0 ? length : 2));
    const count = shape.reduce((product, length) => product * length, 1);
    const tensor =
      input.type === 'string'
        ? new Tensor('string', new Array<string>(count).fill('?'), shape)
        : input.type === 'int64'
          ? new Tensor('int64', new BigInt64Array(count), shape)
          : input.type === 'uint8'
            ? new Tensor('uint8', new Uint8Array(count), shape)
            : new Tensor('float32', new Float32Array(count), shape);
    return [input.name, tensor] as const;
  });
  const answers = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.values(answers).flatMap(({ type, data }) => (type === 'float32' ? [...(data as Float32Array)] : []));
}
