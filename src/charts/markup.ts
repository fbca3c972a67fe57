/**
 * Markup as values: elements are built, never concatenated, so that text from outside (class names, file names,
 * column names) is escaped by construction. The output is well-formed XML and valid HTML at once.
 */

/** A piece of finished markup. Only {@link element} and {@link fragment} make one; plain strings are always escaped. */
export class Markup {
  /** The serialized markup, safe to place between tags. */
  readonly source: string;

  /** @internal Use {@link element}. */
  constructor(source: string) {
    this.source = source;
  }

  toString(): string {
    return this.source;
  }
}

export type Child = Markup | string | number | null | undefined | false | readonly Child[];
export type Attributes = Readonly<Record<string, string | number | undefined | false>>;

/** HTML void elements and SVG shapes, which close themselves when empty; `<div/>` would stay open in HTML. */
const SELF_CLOSING = new Set(
  'meta br hr col link img input path line rect circle ellipse polygon polyline use stop'.split(' '),
);

/** An element; string children and attribute values are escaped, absent (`undefined`, `false`, `null`) ones left out. */
export function element(name: string, attributes: Attributes, ...children: Child[]): Markup {
  let head = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    head += ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeText(value)}"`;
  }
  const body = serialize(children);
  return new Markup(body === '' && SELF_CLOSING.has(name) ? `${head}/>` : `${head}>${body}</${name}>`);
}

/** Several pieces in a row. */
export function fragment(...children: Child[]): Markup {
  return new Markup(serialize(children));
}

/** Text of our own making that must not be escaped, such as a style sheet. Never pass it text from outside. */
export function verbatim(source: string): Markup {
  return new Markup(source);
}

function serialize(children: readonly Child[]): string {
  let body = '';
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Markup) body += child.source;
    else if (typeof child === 'string') body += escapeText(child);
    else if (typeof child === 'number') body += coordinate(child);
    else body += serialize(child);
  }
  return body;
}

/** A number with at most two decimals, as coordinates need; a number that is not finite is a fault of the caller. */
export function coordinate(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`A coordinate is ${value}.`);
  const rounded = Math.round(value * 100) / 100;
  return Object.is(rounded, -0) ? '0' : String(rounded);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Escapes text for element content and quoted attributes, and replaces what XML 1.0 cannot hold (control characters,
 * lone surrogates, U+FFFE, U+FFFF) by U+FFFD. Bidirectional overrides go too: they can make a name read as another.
 */
export function escapeText(text: string): string {
  return text
    .replace(/(?![\t\n\r])\p{Cc}|\p{Cs}|[\ufffe\uffff\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
