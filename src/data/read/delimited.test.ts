import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReadOptions } from './options.js';
import { readTable } from './read.js';
import { instantsOf } from './strings.js';
import { column, expectedValues, failure, golden, testFolder, valuesOf, write } from './testing.fixture.js';

const folder = await testFolder();
let files = 0;

async function csv(text: string | Uint8Array, options: ReadOptions = {}, extension = 'csv') {
  return readTable(await write(folder, `${files++}.${extension}`, text), options);
}

describe('types', () => {
  it('infers numbers, integers, booleans, categories, text and instants as pandas wrote them', async () => {
    const expected = (await expectedValues<{ table: Record<string, unknown[]> }>()).table;
    const table = await readTable(golden('table.csv'));
    for (const name of ['whole', 'single', 'double', 'flag', 'city', 'when', 'zoned']) {
      expect(valuesOf(table, name), name).toEqual(expected[name]);
    }
    expect(table.columns.map((c) => (c.kind === 'number' ? c.type : c.kind))).toEqual([
      'integer',
      'float',
      'float',
      'boolean',
      'category',
      'time',
      'time',
    ]);
  });

  it('holds numbers in float32 only where every value survives, unless rounding is asked for', async () => {
    const text = 'a,b,c\n0.5,0.1,16777217\n-2.25,3,4\n';
    const exact = await csv(text);
    const rounded = await csv(text, { precision: 'float32' });
    const width = (table: typeof exact, name: string) => {
      const found = column(table, name);
      return found.kind === 'number' ? found.values.BYTES_PER_ELEMENT : 0;
    };
    expect(['a', 'b', 'c'].map((name) => width(exact, name))).toEqual([4, 8, 8]);
    expect(['a', 'b', 'c'].map((name) => width(rounded, name))).toEqual([4, 4, 8]);
    expect(valuesOf(rounded, 'b')).toEqual([Math.fround(0.1), 3]);
    expect(valuesOf(rounded, 'c')).toEqual([16777217, 4]);
  });

  it('takes true and false for booleans, and leaves other words for two things as they are', async () => {
    const table = await csv('a,b,c,d\ntrue,yes,T,on\nFALSE,no,F,off\n,,,\nTrue,yes,T,on\n');
    expect(column(table, 'a')).toMatchObject({ kind: 'number', type: 'boolean' });
    expect(valuesOf(table, 'b')).toEqual(['yes', 'no', null, 'yes']);
    expect(valuesOf(table, 'c')).toEqual(['T', 'F', null, 'T']);
    expect(valuesOf(table, 'd')).toEqual(['on', 'off', null, 'on']);
  });

  it('takes repeated strings for categories, distinct ones for text', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `kind ${i % 3},note number ${i}`);
    const table = await csv(`kind,note\n${rows.join('\n')}\n`);
    const kind = column(table, 'kind');
    expect(kind.kind === 'category' && kind.dictionary).toEqual(['kind 0', 'kind 1', 'kind 2']);
    expect(column(table, 'note').kind).toBe('text');
  });

  it('takes a target of strings for a category, however many there are', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i},note number ${i}`);
    const table = await csv(`n,note\n${rows.join('\n')}\n`, { target: 'note' });
    expect(column(table, 'note')).toMatchObject({ kind: 'category' });
    expect(valuesOf(table, 'note')[7]).toBe('note number 7');
  });

  it('goes over to text beyond 10,000 distinct strings, and keeps all of them', async () => {
    const names = Array.from({ length: 25_000 }, (_, i) => (i % 2 === 0 ? `short${i}` : `a rather long name ${i}`));
    const table = await csv(`n,name\n${names.map((name, i) => `${i},${name}`).join('\n')}\n`);
    expect(valuesOf(table, 'name')).toEqual(names);
  });

  it('sorts categories as numbers where all are, removes blanks around them, and sees missing ones', async () => {
    const table = await csv('a, b\n10, x\n9, ?\n10,y \n', { columns: { a: 'category' } });
    const a = column(table, 'a');
    expect(a.kind === 'category' && a.dictionary).toEqual(['9', '10']);
    expect(valuesOf(table, 'b')).toEqual(['x', null, 'y']);
  });

  it('reads integers beyond 2^53 as strings, and figures as large as that as numbers', async () => {
    const table = await csv('id,big,mass\n9007199254740993,12345678901234567890,1e300\n9007199254740995,1,2e300\n');
    expect(valuesOf(table, 'id')).toEqual(['9007199254740993', '9007199254740995']);
    expect(valuesOf(table, 'big')).toEqual(['12345678901234567890', '1']);
    expect(valuesOf(table, 'mass')).toEqual([1e300, 2e300]);
  });

  it('infers types again where later rows contradict the first 20,480', async () => {
    const rows = Array.from(
      { length: 25_000 },
      (_, i) => `${i === 22_000 ? '1.5' : i % 7},${i < 24_000 ? '' : i},${i % 5}`,
    );
    const notices: string[] = [];
    const table = await csv(`a,b,c\n${rows.join('\n')}\n`, { notice: ({ code }) => notices.push(code) });
    expect(notices).toContain('TYPES_REINFERRED');
    expect(valuesOf(table, 'a')[22_000]).toBe(1.5);
    expect(valuesOf(table, 'b').slice(23_998, 24_002)).toEqual([null, null, 24_000, 24_001]);
    expect(column(table, 'c')).toMatchObject({ kind: 'number', type: 'integer' });
  });

  it('finds missing markers that first occur late', async () => {
    const rows = Array.from({ length: 25_000 }, (_, i) => (i === 24_500 ? 'NA' : String(i % 9)));
    const table = await csv(`a,b\n${rows.map((value) => `${value},1`).join('\n')}\n`);
    expect(column(table, 'a')).toMatchObject({ kind: 'number', type: 'integer' });
    expect(valuesOf(table, 'a').slice(24_499, 24_502)).toEqual([24_499 % 9, null, 24_501 % 9]);
  });

  it('never rounds a fraction, nor drops a time zone, that comes after the rows types were inferred from', async () => {
    const late = async (early: string, value: string) => {
      const rows = Array.from({ length: 25_000 }, (_, i) => `${i === 24_000 ? value : early},${i}`);
      const table = await csv(`a,b\n${rows.join('\n')}\n`);
      return valuesOf(table, 'a')[24_000];
    };
    expect(await late('5', '1.5')).toBe(1.5);
    expect(await late('2020-01-01 10:00:00', '2020-01-01 10:00:00+02')).toBe(Date.UTC(2020, 0, 1, 8));
    expect(await late('2020-01-01', '2020-01-02 03:00:00')).toBe(Date.UTC(2020, 0, 2, 3));
    expect(await late('true', '2')).toBe('2');
  });

  it('reads months as instants, and times that are only written as strings', async () => {
    const table = await csv('Month,n\n1949-01,1\n1949-12,2\n');
    expect(valuesOf(table, 'Month')).toEqual([Date.UTC(1949, 0), Date.UTC(1949, 11)]);
    expect(Array.from(instantsOf(['2020-02-03T04:05:06.789012+05:30', '', '2020-02-03 04:05Z']) ?? [])).toEqual([
      Date.parse('2020-02-02T22:35:06.789Z'),
      Number.NaN,
      Date.UTC(2020, 1, 3, 4, 5),
    ]);
    expect(instantsOf(['2020-13-01'])).toBeUndefined();
    expect(instantsOf(['2020-01-01', 'soon'])).toBeUndefined();
  });

  it('takes types that are given', async () => {
    const table = await csv('a,b,c,d\n01,yes,2020-02-01,7\n02,No,2020-02-02,8\n', {
      columns: { a: 'text', b: 'boolean', c: 'category', d: 'number' },
    });
    expect(valuesOf(table, 'a')).toEqual(['01', '02']);
    expect(valuesOf(table, 'b')).toEqual([1, 0]);
    expect(valuesOf(table, 'c')).toEqual(['2020-02-01', '2020-02-02']);
    expect(column(table, 'd')).toMatchObject({ kind: 'number', type: 'float' });
    const dated = await csv('d\n02/03/2020\n', { columns: { d: 'time' }, delimited: { timeFormat: '%m/%d/%Y' } });
    expect(valuesOf(dated, 'd')).toEqual([Date.UTC(2020, 1, 3)]);
  });

  it('refuses values that are not of the given type', async () => {
    for (const [text, type] of [
      ['1.5', 'integer'],
      ['x', 'number'],
      ['maybe', 'boolean'],
      ['soon', 'time'],
    ] as const) {
      const error = await failure(csv(`a,b\n1,1\n${text},1\n`, { columns: { a: type } }));
      expect(error.code, text).toBe('DATA_TYPE');
      expect(error.exitCode).toBe(2);
    }
    expect((await failure(csv('a\n1\n', { columns: { z: 'text' } }))).code).toBe('DATA_COLUMN_MISSING');
  });
});

describe('layout', () => {
  it.each([
    ['semicolon', 'a;b\n1;x\n2;y\n', 'csv'],
    ['tab', 'a\tb\n1\tx\n2\ty\n', 'tsv'],
    ['bar', 'a|b\n1|x\n2|y\n', 'csv'],
    ['Windows line ends', 'a,b\r\n1,x\r\n2,y\r\n', 'csv'],
    ['byte order mark', '\ufeffa,b\n1,x\n2,y\n', 'csv'],
    ['no line end at the end', 'a,b\n1,x\n2,y', 'csv'],
    ['blank lines', 'a,b\n\n1,x\n2,y\n\n', 'csv'],
    ['quotes', '"a","b"\n"1","x"\n"2","y"\n', 'csv'],
    ['quoted TSV', '"a"\t"b"\n1\t"x"\n2\t"y"\n', 'tsv'],
    ['gzip', gzipSync('a,b\n1,x\n2,y\n'), 'csv.gz'],
  ])('reads %s', async (_, text, extension) => {
    const table = await csv(text, {}, extension);
    expect(valuesOf(table, 'a')).toEqual([1, 2]);
    expect(valuesOf(table, 'b')).toEqual(['x', 'y']);
  });

  it('sees whether there is a header', async () => {
    const names = async (text: string, options: ReadOptions = {}) =>
      (await csv(text, options)).columns.map(({ name }) => name);
    expect(await names('1,2\n3,4\n')).toEqual(['column0', 'column1']);
    expect(await names('x,y\n3,4\n')).toEqual(['x', 'y']);
    expect(await names('ham,Go until jurong point\nspam,Win a prize now\nham,Ok lar\n')).toEqual([
      'column0',
      'column1',
    ]);
    expect(await names('kind,words\nspam,Win a prize now\nham,Ok lar\n')).toEqual(['kind', 'words']);
    expect(await names('label,0,1,2\n5,9,9,9\n3,8,8,8\n')).toEqual(['label', '0', '1', '2']);
    expect(await names('A11,6,good\nA12,7,bad\n')).toEqual(['column0', 'column1', 'column2']);
    expect(await names(',a\n0,1\n1,3\n')).toEqual(['column0', 'a']);
    expect(await names('x,y\n3,4\n', { header: false })).toEqual(['column0', 'column1']);
    expect(await names('1,2\n3,4\n', { header: true })).toEqual(['1', '2']);
    expect(await names('1,2\n3,4\n', { header: ['p', 'q'] })).toEqual(['p', 'q']);
    expect(await names('made on monday\n\nx,y\n3,4\n', { delimited: { skip: 2 } })).toEqual(['x', 'y']);
  });

  it('reads TSV without quoting, since texts hold quote marks', async () => {
    const table = await csv('ham\tsay "hi\nspam\tit\'s "free"\nham\t"no\n', {}, 'tsv');
    expect(valuesOf(table, 'column1')).toEqual(['say "hi', 'it\'s "free"', '"no']);
  });

  it('reads other encodings when told', async () => {
    const table = await csv(Buffer.from('a,b\n1,caf\xe9\n', 'latin1'), { delimited: { encoding: 'latin1' } });
    expect(valuesOf(table, 'b')).toEqual(['caf\u00e9']);
    const wide = await csv(Buffer.from('\ufeffa,b\n1,caf\u00e9\n', 'utf16le'), { delimited: { encoding: 'utf-16le' } });
    expect(valuesOf(wide, 'b')).toEqual(['caf\u00e9']);
  });

  it('reads several files as one table, whatever their names', async () => {
    await write(folder, "part [1]'s.csv", 'a,b\n1,x\n');
    await write(folder, 'part 2*.csv', 'a,b\n2.5,y\n');
    const table = await readTable(`${folder}/part*.csv`);
    expect(valuesOf(table, 'a')).toEqual([2.5, 1]);
    await write(folder, 'other.csv', 'a,c\n1,x\n');
    const error = await failure(readTable([`${folder}/part 2*.csv`, `${folder}/other.csv`]));
    expect(error.code).toBe('DATA_LAYOUT_DIFFERS');
    expect(error.place).toContain('other.csv');
  });

  it('gives back what was written, whatever it is', async () => {
    const field = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom('"', ',', '\n', '\r\n', 'a "quoted" part', ' blank ', ';\t|', '\\', "'", '#x', 'NaN,'),
    );
    const table = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        // NUL is no text; blank lines and missing markers are covered above.
        const clean = rows.map((row) => row.map((text) => `x${text.replaceAll('\0', '')}`));
        const quoted = clean.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
        const read = await csv(`"left","right"\n${quoted.join('\n')}\n`, {
          columns: { left: 'text', right: 'text' },
          header: true,
        });
        expect([valuesOf(read, 'left'), valuesOf(read, 'right')]).toEqual([
          clean.map(([left]) => left),
          clean.map(([, right]) => right),
        ]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what is wrong', () => {
  it.each([
    ['an empty file', '', 'DATA_EMPTY', undefined],
    ['a file of blanks', ' \n\n', 'DATA_EMPTY', undefined],
    ['a header alone', 'a,b\n', 'DATA_EMPTY', undefined],
    ['a short line', 'a,b,c\n1,2,3\n4,5\n6,7,8\n', 'DATA_RAGGED', 'line 3'],
    ['a long line', 'a,b\n1,2\n4,5,6\n', 'DATA_RAGGED', 'line 3'],
    ['two columns of one name', 'a,b,a\n1,2,3\n', 'DATA_DUPLICATE_COLUMN', undefined],
    ['two columns of one name but for case', 'a,b,A\n1,2,3\n', 'DATA_DUPLICATE_COLUMN', undefined],
    ['an open quote', 'a,b\n1,"x\n2,y\n', 'DATA_QUOTE', undefined],
  ])('names %s', async (_, text, code, place) => {
    const error = await failure(csv(text));
    expect(error.code).toBe(code);
    expect(error.exitCode).toBe(2);
    expect(error.place).toContain('.csv');
    if (place !== undefined) expect(error.place).toContain(place);
  });

  it('names the late ragged line of a long file', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => (i === 50_000 ? '1,2,3' : `${i},2`));
    const error = await failure(csv(`a,b\n${lines.join('\n')}\n`));
    expect(error.code).toBe('DATA_RAGGED');
    expect(error.place).toContain('line 50002');
  });

  it('never takes an error in mid-file for the end of the file', async () => {
    // The engine's streams end alike in both cases; see streamRows.
    for (const at of [45_000, 99_999]) {
      const lines = Array.from({ length: 100_000 }, (_, i) => (i === at ? 'oops' : `${i},0.${i},x${i % 5}`));
      for (const threads of [1, 2]) {
        const error = await failure(csv(`a,b,c\n${lines.join('\n')}\n`, { threads }));
        expect(error.place).toContain(`line ${at + 2}`);
      }
    }
  });

  it('names text that is not UTF-8', async () => {
    expect((await failure(csv(Buffer.from('a,b\n1,caf\xe9\n', 'latin1')))).code).toBe('DATA_ENCODING');
    expect((await failure(csv(Buffer.from('\ufeffa,b\n1,x\n', 'utf16le')))).code).toBe('DATA_ENCODING');
    expect((await failure(csv('a\n1\n', { delimited: { encoding: 'klingon' } }))).code).toBe('DATA_ENCODING');
  });

  it('names a truncated, a damaged and a bloated gzip file', async () => {
    const packed = gzipSync(`a,b\n${Array.from({ length: 5000 }, (_, i) => `${i},${i * 7}`).join('\n')}\n`);
    const truncated = await failure(csv(packed.subarray(0, packed.length - 100), {}, 'csv.gz'));
    expect(truncated).toMatchObject({ code: 'DATA_CORRUPT', exitCode: 2 });
    expect(truncated.message).toContain('truncated');
    expect((await failure(csv('not gzip', {}, 'csv.gz'))).code).toBe('DATA_CORRUPT');
    const bomb = gzipSync(Buffer.alloc(20_000_000, 'a,b\n'));
    expect((await failure(csv(bomb, { maxBytes: 1_000_000 }, 'csv.gz'))).code).toBe('DATA_TOO_LARGE');
  });

  it('stops at more data than is allowed', async () => {
    const text = `a,b\n${'1.5,some text\n'.repeat(20_000)}`;
    expect((await failure(csv(text, { maxBytes: 50_000 }))).code).toBe('DATA_TOO_LARGE');
  });

  it('names a target that is missing', async () => {
    const unnamed = await failure(csv('1,2\n3,4\n', { target: 'c' }));
    expect(unnamed.remedy).toBe(
      'The columns are column0, column1. The file does not name them: list their names in data.header.',
    );
    const error = await failure(csv('a,b\n1,2\n', { target: 'c' }));
    expect(error.code).toBe('DATA_TARGET_MISSING');
    expect(error.remedy).toContain('a, b');
  });

  it('renames columns of one name when told', async () => {
    const table = await csv('a,b,a,a_1\n1,2,3,4\n', { delimited: { duplicateNames: 'rename' } });
    expect(new Set(table.columns.map(({ name }) => name)).size).toBe(4);
    expect(table.columns[0].name).toBe('a');
  });
});
