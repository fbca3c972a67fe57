import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatLogTick,
  formatNumber,
  formatSeconds,
  formatSigned,
  formatTicks,
  type NumberFormat,
} from './number-format.js';

const MINUS = '\u2212';

describe('formatNumber', () => {
  it.each<[number, NumberFormat, string]>([
    [0, 'number', '0'],
    [0.12345, 'number', '0.123'],
    [1, 'number', '1.00'],
    [12.345, 'number', '12.3'],
    [-1234.5, 'number', `${MINUS}1,235`],
    [99_999, 'number', '99,999'],
    [123_456, 'number', '123k'],
    [1_234_567, 'number', '1.23M'],
    [0.000123, 'number', `1.23e${MINUS}4`],
    [1e20, 'number', '1e20'],
    [NaN, 'number', '\u2013'],
    [Infinity, 'percent', '\u221e'],
    [-Infinity, 'number', `${MINUS}\u221e`],
    [0.8731, 'percent', '87.3%'],
    [0.9999, 'percent', '100.0%'],
    [1, 'percent', '100%'],
    [0.0031, 'percent', '0.31%'],
    [0, 'percent', '0%'],
    [-0.031, 'points', `${MINUS}3.1\u00a0pts`],
    [-0.0000001, 'points', '0.00\u00a0pts'],
    [12_345.6, 'integer', '12,346'],
    [1_234_567, 'integer', '1.23M'],
  ])('writes %d as %s: %s', (value, format, text) => {
    expect(formatNumber(value, format)).toBe(text);
  });

  it('signs differences, but not zero', () => {
    expect(formatSigned(0.031, 'points')).toBe('+3.1\u00a0pts');
    expect(formatSigned(-2)).toBe(`${MINUS}2.00`);
    expect(formatSigned(0)).toBe('0');
    expect(formatSigned(1e-9, 'points')).toBe('0.00\u00a0pts');
  });

  it('never writes a word of the language', () => {
    const format = fc.constantFrom<NumberFormat>('number', 'integer', 'percent', 'points');
    fc.assert(
      fc.property(fc.double(), format, (value, kind) => {
        expect(formatNumber(value, kind)).toMatch(
          /^[+\u2212]?(\d[\d,]*(\.\d+)?(e\u2212?\d+)?[kMGT]?(%|\u00a0pts)?|\u221e|\u2013)$/,
        );
      }),
    );
  });

  it('keeps the value to the digits it writes', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 99_999, noNaN: true }), (value) => {
        const read = Number(formatNumber(value).replaceAll(',', ''));
        expect(Math.abs(read - value) / value).toBeLessThan(0.006);
      }),
    );
  });
});

describe('formatTicks', () => {
  it('uses one unit and as many decimals as the step needs', () => {
    expect(formatTicks([0, 0.25, 0.5])).toEqual(['0', '0.25', '0.5']);
    expect(formatTicks([0, 20_000, 40_000])).toEqual(['0', '20k', '40k']);
    expect(formatTicks([0.85, 0.9, 0.95, 1], 'percent')).toEqual(['85%', '90%', '95%', '100%']);
    expect(formatTicks([-1, 0, 1])).toEqual([`${MINUS}1`, '0', '1']);
    expect(formatTicks([1e-5, 2e-5])).toEqual([`1e${MINUS}5`, `2e${MINUS}5`]);
    expect(formatTicks([])).toEqual([]);
  });

  it('writes powers on a logarithmic axis each on its own scale', () => {
    expect([1e-9, 0.001, 0.1, 1, 100, 1e6].map((tick) => formatLogTick(tick))).toEqual([
      `1e${MINUS}9`,
      '0.001',
      '0.1',
      '1',
      '100',
      '1M',
    ]);
  });
});

describe('units', () => {
  it('writes bytes', () => {
    expect([0, 1023, 1024, 206_412, 5 * 2 ** 30, NaN].map(formatBytes)).toEqual([
      '0\u00a0B',
      '1,023\u00a0B',
      '1\u00a0KiB',
      '202\u00a0KiB',
      '5\u00a0GiB',
      '\u2013',
    ]);
  });

  it('writes times', () => {
    expect([0.042, 3.4, 59.99, 125, 4320, -1].map(formatSeconds)).toEqual([
      '42\u00a0ms',
      '3.4\u00a0s',
      '60\u00a0s',
      '2\u00a0min 5\u00a0s',
      '1\u00a0h 12\u00a0min',
      '\u2013',
    ]);
  });
});
