import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTable } from './read.js';
import { resampler } from './resample.js';
import { column, expectedValues, failure, golden, testFolder, valuesOf, write } from './testing.fixture.js';
import { parseWav } from './wav.js';

describe('images', async () => {
  const { images } = await expectedValues<{ images: Record<string, number[]> }>();

  it.each([
    ['rgb.png', 'rgb', 3],
    ['rgb.webp', 'rgb', 3],
    ['rgba.png', 'rgb', 3],
    ['grey.png', 'grey', 1],
    ['turned.png', 'turned', 3],
  ])('reads %s as Pillow wrote it', async (file, name, channels) => {
    const table = await readTable(golden(file));
    const shape = name === 'turned' ? [3, 6, 4] : [channels, 4, 6];
    expect(column(table, 'image')).toMatchObject({ content: 'image', shape, data: expect.any(Uint8Array) as unknown });
    expect(valuesOf(table, 'image')).toEqual(images[name]);
  });

  it('decodes JPEG within a step or two of Pillow', async () => {
    const values = valuesOf(await readTable(golden('grey.jpg')), 'image');
    const worst = Math.max(...values.map((value, i) => Math.abs(Number(value) - images.greyJpeg[i])));
    expect(worst).toBeLessThanOrEqual(2);
  });

  it('resizes, converts, and takes classes from folders', async () => {
    const folder = await testFolder();
    for (const name of ['cats', 'dogs']) await mkdir(join(folder, name));
    await write(folder, 'README.md', 'pictures');
    await write(join(folder, 'cats'), 'a.png', await readFile(golden('rgb.png')));
    await write(join(folder, 'dogs'), 'b.jpg', await readFile(golden('grey.jpg')));
    const table = await readTable(folder, { image: { size: [8, 5], channels: 1 }, files: { path: true } });
    expect(column(table, 'image')).toMatchObject({ shape: [1, 8, 5] });
    expect(valuesOf(table, 'label')).toEqual(['cats', 'dogs']);
    expect(valuesOf(table, 'file')).toEqual(['cats/a.png', 'dogs/b.jpg']);
    const colour = await readTable(folder, { image: { size: 4, channels: 3 } });
    const values = valuesOf(colour, 'image').slice(48);
    expect(values.slice(0, 16)).toEqual(values.slice(16, 32));
  });

  it('names an image that cannot be decoded, or skips it when told', async () => {
    const folder = await testFolder();
    await write(folder, 'a.png', await readFile(golden('rgb.png')));
    await write(folder, 'b.png', (await readFile(golden('rgb.png'))).subarray(0, 100));
    await write(folder, 'c.png', 'no image');
    const error = await failure(readTable(folder));
    expect(error.code).toBe('DATA_IMAGE_UNREADABLE');
    expect(error.place).toMatch(/[bc]\.png$/);
    const counts: number[] = [];
    const table = await readTable(folder, { image: { unreadable: 'skip' }, notice: ({ count }) => counts.push(count) });
    expect([table.rows, counts]).toEqual([1, [2]]);
  });

  it('refuses a file beside the folders of classes', async () => {
    const folder = await testFolder();
    await mkdir(join(folder, 'cats'));
    await write(join(folder, 'cats'), 'a.png', await readFile(golden('rgb.png')));
    await write(folder, 'stray.png', await readFile(golden('rgb.png')));
    const error = await failure(readTable(folder));
    expect(error.code).toBe('DATA_LABEL_MISSING');
    expect(error.place).toContain('stray.png');
  });
});

describe('recordings', async () => {
  const { wav, resample } = await expectedValues<{
    wav: Record<string, number[]>;
    resample: { signal: number[]; cases: { from: number; to: number; values: number[] }[] };
  }>();

  it.each(Object.keys(wav))('parses %s as the wave module wrote it', async (name) => {
    const { sampleRate, samples } = parseWav(await readFile(golden(`${name}.wav`)), name);
    expect(sampleRate).toBe(8000);
    expect(Array.from(samples)).toEqual(Array.from(Float32Array.from(wav[name])));
  });

  it.each(resample.cases)('resamples from $from to $to Hz as scipy does', ({ from, to, values }) => {
    const result = resampler(from, to)(Float32Array.from(resample.signal));
    expect(result.length).toBe(values.length);
    const worst = Math.max(...values.map((value, i) => Math.abs(value - result[i])));
    expect(worst).toBeLessThan(1e-6);
  });

  it('cuts, pads and labels by name', async () => {
    const folder = await testFolder();
    const bytes = await readFile(golden('pcm16.wav'));
    for (const name of ['7_theo_0.wav', '3_jackson_1.wav']) await write(folder, name, bytes);
    const pattern = '(?<digit>\\d)_(?<speaker>[a-z]+)_\\d+\\.wav$';
    const table = await readTable(folder, { audio: { samples: 80 }, files: { pattern } });
    expect(column(table, 'audio')).toMatchObject({ content: 'audio', shape: [80] });
    expect(valuesOf(table, 'audio').slice(64, 80)).toEqual(new Array(16).fill(0));
    expect(valuesOf(table, 'digit')).toEqual(['3', '7']);
    expect(valuesOf(table, 'speaker')).toEqual(['jackson', 'theo']);
    const half = await readTable(folder, { audio: { sampleRate: 4000, seconds: 0.004 } });
    expect(column(half, 'audio')).toMatchObject({ shape: [16] });
    expect((await failure(readTable(folder, { files: { pattern: '(?<digit>[A-Z])' } }))).code).toBe(
      'DATA_LABEL_MISSING',
    );
    expect((await failure(readTable(folder, { files: { pattern: '(' } }))).code).toBe('DATA_PATTERN');
    expect((await failure(readTable(folder, { audio: { samples: 0 } }))).code).toBe('DATA_AUDIO_LENGTH');
  });

  it('throws nothing but its own errors, whatever the bytes', async () => {
    const good = await readFile(golden('float32.wav'));
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 5 }), (cut, edits) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        try {
          parseWav(bytes.subarray(0, cut), 'x');
        } catch (error) {
          expect(error).toMatchObject({ name: 'BallastError' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
