import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWellFormed } from '../../test/well-formed.js';
import { coordinate, element, escapeText, fragment, verbatim } from './markup.js';
import { textWidth, truncate, wrap } from './text.js';

describe('element', () => {
  it('escapes children and attributes, leaves out what is absent', () => {
    const markup = element('a', { title: `"<'&>`, x: 1.2345, hidden: undefined, y: false }, 'a<b', null, [
      element('br', {}),
      2,
    ]);
    expect(markup.source).toBe('<a title="&quot;&lt;&#39;&amp;&gt;" x="1.23">a&lt;b<br/>2</a>');
  });

  it('closes what HTML would leave open', () => {
    expect(element('div', {}).source).toBe('<div></div>');
    expect(element('path', { d: 'M0 0' }).source).toBe('<path d="M0 0"/>');
  });

  it('takes markup as it is', () => {
    expect(fragment(verbatim('<b>'), 'x').source).toBe('<b>x');
  });

  it('stays well-formed around any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const [outer] = parseWellFormed(element('text', { title: text }, text).source);
        expect(outer?.text).toBe(outer?.attributes.get('title'));
        expect(outer?.text).toHaveLength(escapeText(text).replace(/&#?\w+;/g, '?').length);
      }),
    );
  });

  it('refuses coordinates that are not finite', () => {
    expect(() => element('line', { x: Number.NaN })).toThrow(RangeError);
    expect([0.005, -0.001, 123.456, 12].map(coordinate)).toEqual(['0.01', '0', '123.46', '12']);
  });
});

describe('text', () => {
  it('shortens to the width it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 20, max: 300 }), (text, width) => {
        expect(textWidth(truncate(text, 12, width), 12)).toBeLessThanOrEqual(width + 0.5);
      }),
    );
  });

  it('breaks at spaces and says when it cuts', () => {
    expect(wrap('one two three four five', 10, 50, 2)).toEqual(['one two', 'three fo\u2026']);
    expect(wrap('', 10, 50, 2)).toEqual([]);
  });

  it('counts wide scripts as wide', () => {
    expect(textWidth('\u591a\u8a00\u8a9e', 10)).toBe(30);
    expect(textWidth('e\u0301', 10)).toBe(textWidth('e', 10));
  });
});
