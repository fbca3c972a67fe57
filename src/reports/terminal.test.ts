import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFigure, exampleInput } from '../../test/train-report-example.js';
import type { RunSummary } from '../store/index.js';
import { sparkline } from './sparkline.js';
import { classesTable, comparisonTable, ledgerTable, metricsTable, runsTable } from './terminal.js';
import { terminalOptions } from './terminal-style.js';
import { displayWidth, printable, terminalTable } from './terminal-table.js';

const ESCAPE = '\u001b[';

const RUN: RunSummary = {
  id: '0123456789abcdef0123456789abcdef',
  experiment: 'digits',
  name: 'baseline',
  kind: 'train',
  role: 'baseline',
  status: 'finished',
  attempt: 1,
  seed: 7,
  datasetName: 'digits',
  dataVersion: 'v1',
  regularizerId: 'rg-4f1d0c9be27a6632',
  codeCommit: undefined,
  parentRunId: undefined,
  groupId: '89abcdef01234567',
  startedAt: new Date(Date.UTC(2026, 10, 22, 14, 0)),
  endedAt: new Date(Date.UTC(2026, 10, 22, 14, 1, 23)),
  heartbeatAt: new Date(Date.UTC(2026, 10, 22, 14, 1, 23)),
  error: undefined,
  deletedAt: undefined,
};

describe('classesTable', () => {
  it('shows recall and calibration of every class, rare ones first', () => {
    const input = exampleInput();
    const [rare, common] = Object.keys(input.runs[0].validation.perClass);
    const runs = input.runs.map((run) => ({
      ...run,
      validation: {
        ...run.validation,
        perClass: {
          [common]: { ...run.validation.perClass[common], rows: 90 },
          [rare]: { ...run.validation.perClass[rare], rows: 10 },
        },
      },
    }));
    const lines = classesTable({ runs }, { width: 120 }).split('\n');
    expect(lines[0]).toMatch(/class +rows +recall baseline +recall model +change +ece baseline +ece model +change/);
    expect(lines.slice(-2).map((line) => line.trim().split(/ +/)[0])).toEqual([rare, common]);
    expect(
      classesTable({ runs: runs.map((run) => ({ ...run, validation: { ...run.validation, perClass: {} } })) }),
    ).toBe('');
  });
});

describe('comparisonTable', () => {
  it('shows baseline and model with intervals, the change, the gap and the verdict', () => {
    const table = comparisonTable(exampleInput(), { width: 100 });
    expect(table).toMatch(/accuracy +88\.7% +86\.9% to 90\.5% +93\.6% +91\.8% to 95\.4% +\+4\.9 pts/);
    expect(table).toMatch(/gap from train +11\.2 pts .* 3\.2 pts .* \u22128\.0 pts/);
    expect(table).toMatch(/model validation +[\u2581-\u2588]+ 93\.6%/);
    expect(table.split('\n').at(-1)).toBe(
      '\u2714 Validation accuracy is 4.9 pts higher than the unregularized baseline (95% interval 2.4 to 7.4 pts).',
    );
    expect(table).not.toContain(ESCAPE);
  });

  it('lays out the same with colours as without', () => {
    const options = { width: 90 };
    const colored = comparisonTable(exampleInput(), { ...options, color: true });
    expect(colored).toContain(ESCAPE);
    const trimmed = (text: string): string => text.replace(/ +$/gm, '');
    expect(trimmed(stripVTControlCharacters(colored))).toBe(trimmed(comparisonTable(exampleInput(), options)));
  });

  it('leaves out intervals before it cuts figures on a narrow terminal', () => {
    const table = comparisonTable(exampleInput(), { width: 50 });
    expect(table).not.toContain('interval  ');
    expect(table).toMatch(/accuracy +88\.7% +93\.6% +\+4\.9 pts/);
  });
});

describe('the other tables', () => {
  const [, model] = exampleInput().runs;

  it('lists metrics with the method of their intervals', () => {
    expect(metricsTable(model!.validation)).toMatch(/calibration error \(ECE\) +2\.1% +1\.3% to 2\.9% +bootstrap/);
  });

  it('lists the stages of the ledger', () => {
    const table = ledgerTable(exampleInput().ledgers![0]!.ledger);
    expect(table).toMatch(/validation +88\.7% +86\.9% to 90\.5% +11\.2 pts +\d/);
  });

  it('lists runs, with metrics where they are known', () => {
    const metrics = new Map([[RUN.id, { accuracy: 0.887 }]]);
    const table = runsTable([RUN, { ...RUN, id: 'f'.repeat(32), status: 'failed' }], { width: 140, metrics });
    expect(table).toMatch(
      /0123456789ab +baseline +digits +89abcdef +train +finished +88\.7% +7 +rg-4f1d0c9be27a6632 .* 1 min 23 s/,
    );
    expect(table).toMatch(/ffffffffffff .* failed +\u2013/);
    expect(runsTable([])).toBe('No runs.');
  });

  it('lets no escape code of a name reach the terminal', () => {
    const name = '\u001b]0;owned\u0007\u001b[2Jx\r\ny\u202e';
    const table = runsTable([{ ...RUN, name }], { width: 140 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
    expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    expect(table.split('\n')).toHaveLength(3);
  });
});

describe('terminalTable', () => {
  it('is never wider than the terminal, and aligned in every row', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 30 });
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 100 }), (content, width) => {
        const columns = [
          { label: 'first', shrinkTo: 5 },
          { label: 'second', align: 'right' as const, optional: 1 },
          { label: 'third' },
        ];
        const lines = terminalTable(columns, content, (text) => text, width).split('\n');
        expect(lines).toHaveLength(content.length + 2);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('counts wide and combining characters', () => {
    expect(displayWidth('\u591a\u8a00')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(printable('a\tb\nc')).toBe('a b c');
  });
});

describe('terminalOptions', () => {
  it('colours only a terminal that wants it', () => {
    const terminal = { isTTY: true, columns: 120 };
    expect(terminalOptions(terminal, {})).toEqual({ width: 120, color: true });
    expect(terminalOptions(terminal, { NO_COLOR: '1' }).color).toBe(false);
    expect(terminalOptions(terminal, { NO_COLOR: '' }).color).toBe(true);
    expect(terminalOptions(terminal, { TERM: 'dumb' }).color).toBe(false);
    expect(terminalOptions({}, {})).toEqual({ width: 100, color: false });
  });
});

describe('sparkline', () => {
  it('goes from the lowest block to the highest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588');
    expect(sparkline([1, NaN, 1])).toBe('\u2585 \u2585');
    expect(sparkline([])).toBe('');
    expect(sparkline([0.5], 24, [0, 1])).toBe('\u2585');
  });

  it('has at most so many columns, whatever the numbers', () => {
    const hostile = fc.oneof(fc.double(), fc.constantFrom(1.7e308, -1.7e308, NaN, Infinity));
    fc.assert(
      fc.property(fc.array(hostile), fc.integer({ min: 1, max: 40 }), (values, width) => {
        expect(sparkline(values, width)).toMatch(/^[\u2581-\u2588 ]*$/);
        expect(sparkline(values, width)).toHaveLength(Math.min(width, values.length));
      }),
    );
  });

  it('survives figures that are not numbers', () => {
    const input = exampleInput();
    const runs = input.runs.map((run) => ({ ...run, gap: exampleFigure(NaN, NaN) }));
    expect(comparisonTable({ ...input, runs })).not.toContain('NaN');
  });
});
