/** An element of a checked document. */
export interface CheckedElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Text directly inside, entities decoded. */
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const TAG = /^<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/;

/**
 * Checks that `source` is well-formed XML (one root, balanced tags, quoted and unique attributes, no bare `&` or `<`, no
 * forbidden character) and that ids are unique and references to them resolve. Returns its elements, or throws.
 */
export function parseWellFormed(source: string): CheckedElement[] {
  const body = source.replace(/^<!doctype html>\s*/, '').trimEnd();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids these characters.
  const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u.exec(body);
  if (forbidden !== null) throw new Error(`forbidden character at ${forbidden.index}`);
  const elements: CheckedElement[] = [];
  const open: CheckedElement[] = [];
  let position = 0;
  let roots = 0;
  while (position < body.length) {
    if (body[position] !== '<') {
      const next = body.indexOf('<', position);
      const end = next === -1 ? body.length : next;
      const parent = open.at(-1);
      if (parent === undefined) throw new Error(`text outside of the root at ${position}`);
      parent.text += decode(body.slice(position, end));
      position = end;
      continue;
    }
    const tag = TAG.exec(body.slice(position, position + 100_000));
    if (tag === null) throw new Error(`broken tag at ${position}: ${body.slice(position, position + 60)}`);
    const [whole, closing, name = '', attributes = '', selfClosing] = tag;
    position += whole.length;
    if (closing === '/') {
      const opened = open.pop();
      if (opened?.name !== name) throw new Error(`</${name}> closes <${opened?.name}>`);
      continue;
    }
    if (open.length === 0 && ++roots > 1) throw new Error('several roots');
    const element = { name, attributes: parseAttributes(attributes), text: '' };
    elements.push(element);
    if (selfClosing !== '/') open.push(element);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name}> is never closed`);
  checkIds(elements);
  return elements;
}

function parseAttributes(source: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', value = ''] of source.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (attributes.has(name)) throw new Error(`attribute ${name} twice`);
    attributes.set(name, decode(value));
  }
  return attributes;
}

function decode(text: string): string {
  return text.replace(/&([^;]{0,8};)?/g, (whole, reference: string | undefined) => {
    const character = ENTITIES[(reference ?? '').slice(0, -1)];
    if (character === undefined) throw new Error(`bare ampersand: ${whole}`);
    return character;
  });
}

function checkIds(elements: readonly CheckedElement[]): void {
  const ids = new Set<string>();
  for (const { attributes } of elements) {
    const id = attributes.get('id');
    if (id === undefined) continue;
    if (ids.has(id)) throw new Error(`id ${id} twice`);
    ids.add(id);
  }
  for (const { attributes } of elements) {
    const links = attributes.get('href')?.startsWith('#') === true ? [attributes.get('href')?.slice(1)] : [];
    for (const id of [...links, attributes.get('aria-labelledby'), attributes.get('aria-describedby')]) {
      if (id !== undefined && !ids.has(id)) throw new Error(`no element has the id ${id}`);
    }
  }
}
