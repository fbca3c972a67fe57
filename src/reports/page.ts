import { type Child, element, type Markup, verbatim } from '../charts/index.js';
import { pageStyles } from './page-style.js';

/**
 * A self-contained HTML page: styles inline, no script, nothing fetched; its content policy forbids both, so that even
 * text that escaped escaping could not act.
 */
export function page(title: string, ...body: Child[]): string {
  const html = element(
    'html',
    { lang: 'en' },
    element(
      'head',
      {},
      element('meta', { charset: 'utf-8' }),
      element('meta', {
        'http-equiv': 'Content-Security-Policy',
        content: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
      }),
      element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      element('title', {}, title),
      element('style', {}, verbatim(pageStyles())),
    ),
    element('body', {}, element('main', {}, body)),
  );
  return `<!doctype html>\n${html.source}\n`;
}

/** The head of a page: what kind of page it is, what it is about, and facts as a list of names and values. */
export function masthead(kind: string, title: string, facts: readonly (readonly [string, string])[]): Markup {
  return element(
    'header',
    {},
    element('div', { class: 'brand' }, element('i', { 'aria-hidden': 'true' }), kind),
    element('h1', {}, title),
    element(
      'dl',
      { class: 'facts' },
      facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
    ),
  );
}

/** A section with a heading that the navigation links to; nothing when it has no content. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly lead?: Child;
  readonly content: readonly Child[];
}

export function sectionMarkup(section: Section): Markup {
  return element(
    'section',
    { 'aria-labelledby': section.id },
    element('h2', { id: section.id }, section.title),
    section.lead === undefined ? null : element('p', { class: 'lead' }, section.lead),
    section.content,
  );
}

export function navigation(sections: readonly Section[]): Markup {
  return element(
    'nav',
    { 'aria-label': 'Sections' },
    sections.map(({ id, title }) => element('a', { href: `#${id}` }, title)),
  );
}

export interface TableColumn {
  readonly label: Child;
  readonly number?: boolean;
}

/** A table that scrolls sideways where it is too wide. The first cell of a row names the row. */
export function table(
  name: string,
  columns: readonly TableColumn[],
  rows: readonly (readonly Child[])[],
  caption: Child = name,
): Markup {
  const align = (index: number): string | undefined => (columns[index]?.number === true ? 'number' : undefined);
  return element(
    'div',
    { class: 'scroll', role: 'region', 'aria-label': name, tabindex: 0 },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          columns.map(({ label }, index) => element('th', { scope: 'col', class: align(index) }, label)),
        ),
      ),
      element(
        'tbody',
        {},
        rows.map((row) =>
          element(
            'tr',
            {},
            row.map((cell, index) =>
              index === 0
                ? element('th', { scope: 'row', class: align(0) }, cell)
                : element('td', { class: align(index) }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

/** A chart's SVG, which charts escape themselves, as a figure of the page. */
export function figure(svg: string): Markup {
  return element('figure', {}, verbatim(svg));
}

/** Cards side by side, one below the other on a phone. */
export function grid(items: readonly Markup[]): Markup {
  return element('div', { class: 'grid stack' }, items);
}
