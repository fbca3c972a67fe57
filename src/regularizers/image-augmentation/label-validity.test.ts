import { describe, expect, it } from 'vitest';
import { labelConflicts } from './label-validity.js';

const DIGITS = Array.from({ length: 10 }, (_, i) => String(i));
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
const none = { flip: 'none', rotate: 0, declared: [] } as const;
const found = (classes: readonly string[], how: Partial<Parameters<typeof labelConflicts>[2]>): number =>
  labelConflicts('image-augmentation', classes, { ...none, ...how }).length;

describe('labelConflicts', () => {
  it('refuses mirrored digits, letters and sides', () => {
    expect(found(DIGITS, { flip: 'horizontal' })).toBe(1);
    expect(found(LETTERS, { flip: 'vertical' })).toBe(1);
    expect(found(['turn-left', 'turn-right', 'ahead'], { flip: 'both' })).toBe(1);
    expect(found(['hand up', 'hand down'], { flip: 'vertical' })).toBe(1);
    const [{ severity, message, remedy }] = labelConflicts('image-augmentation', DIGITS, { ...none, flip: 'both' });
    expect(severity).toBe('error');
    expect(message).toMatch(/mirrored 2/);
    expect(remedy).toMatch(/labelsSurvive: \[mirror\]/);
  });

  it('allows what is unlikely to change a label', () => {
    expect(found(DIGITS, { rotate: 20 })).toBe(0);
    expect(found(['cat', 'dog'], { flip: 'both', rotate: 180 })).toBe(0);
    expect(found(['hand up', 'hand down'], { flip: 'horizontal' })).toBe(0);
    expect(found(['0', '1'], { flip: 'both' })).toBe(0);
    expect(found(['leftover', 'bright'], { flip: 'both' })).toBe(0);
  });

  it('refuses a turned 6, b, and up', () => {
    expect(found(DIGITS, { rotate: 180 })).toBe(1);
    expect(found(LETTERS, { rotate: 90 })).toBe(1);
    expect(found(['up', 'down'], { rotate: 90 })).toBe(1);
  });

  it('believes what is stated', () => {
    expect(found(DIGITS, { flip: 'both', declared: ['mirror'] })).toBe(0);
    expect(found(DIGITS, { flip: 'both', rotate: 180, declared: ['mirror'] })).toBe(1);
    expect(found(DIGITS, { flip: 'both', rotate: 180, declared: ['mirror', 'turn'] })).toBe(0);
  });
});
