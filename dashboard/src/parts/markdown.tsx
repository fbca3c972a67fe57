import { Fragment, type ReactNode } from 'react';
import { Scrolled } from './scrolled.js';

/** The Markdown that method cards are written in: headings, paragraphs, lists, tables, code. Other markup stays text. */
export function Markdown({ text }: { text: string }): ReactNode {
  return blocksOf(text).map((lines) => <Block key={lines.join('\n')} lines={lines} />);
}

/** Lines that belong together: those of a fenced block, and others up to an empty line or a heading. */
function blocksOf(text: string): string[][] {
  const blocks: string[][] = [];
  let open: string[] | undefined;
  let fenced = false;
  for (const line of text.split('\n')) {
    const isFence = line.startsWith('```');
    if (!fenced && (line.trim() === '' || line.startsWith('#') || isFence)) open = undefined;
    if (!fenced && line.trim() === '') continue;
    if (open === undefined) {
      open = [];
      blocks.push(open);
    }
    open.push(line);
    if (isFence) fenced = !fenced;
    if (!fenced && (isFence || line.startsWith('#'))) open = undefined;
  }
  return blocks;
}

function Block({ lines }: { lines: readonly string[] }): ReactNode {
  const [first] = lines;
  const heading = /^(#+)\s+(.*)$/.exec(first);
  // The page has the title already.
  if (heading !== null) return heading[1].length === 1 ? null : <h2>{inline(heading[2])}</h2>;
  if (first.startsWith('```')) return <Code text={lines.slice(1, -1).join('\n')} />;
  if (first.startsWith('    ')) return <Code text={lines.map((line) => line.slice(4)).join('\n')} />;
  if (first.startsWith('|')) return <CardTable lines={lines} />;
  if (first.startsWith('- ')) {
    const items: string[] = [];
    for (const line of lines) {
      if (line.startsWith('- ')) items.push(line.slice(2));
      else items[items.length - 1] += ` ${line.trim()}`;
    }
    return (
      <ul>
        {items.map((item) => (
          <li key={item}>{inline(item)}</li>
        ))}
      </ul>
    );
  }
  return <p>{inline(lines.join(' '))}</p>;
}

function Code({ text }: { text: string }): ReactNode {
  return (
    <Scrolled label="Code">
      <pre>{text}</pre>
    </Scrolled>
  );
}

function CardTable({ lines }: { lines: readonly string[] }): ReactNode {
  const cells = (line: string): string[] =>
    line
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => cell.trim());
  const [head, , ...rows] = lines.map(cells);
  return (
    <Scrolled label={head.join(', ')}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {inline(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.join(' ')}>
              {row.map((cell, i) => (
                <td key={head[i]}>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

/** Code, emphasis and links of the web; links to other files of the project stay their text. */
function inline(text: string): ReactNode {
  let at = 0;
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map((part) => {
    const key = at;
    at += part.length;
    if (part.startsWith('`') && part.length > 1) return <code key={key}>{part.slice(1, -1)}</code>;
    if (part.startsWith('**') && part.length > 4) return <strong key={key}>{part.slice(2, -2)}</strong>;
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    if (link === null) return <Fragment key={key}>{part}</Fragment>;
    if (!/^https?:\/\//.test(link[2])) return <Fragment key={key}>{link[1]}</Fragment>;
    return (
      <a key={key} href={link[2]}>
        {link[1]}
      </a>
    );
  });
}
