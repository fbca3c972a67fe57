import type { ReactNode } from 'react';
import { linkTo } from '../router.js';
import { Scrolled } from './scrolled.js';

interface Node {
  readonly kind: string;
  readonly id: string;
}

export interface Graph {
  readonly edges: readonly { readonly from: Node; readonly to: Node; readonly relation: string }[];
}

const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [150, 34, 70, 16];

/** What came of what: as a picture from left to right, and as a list whose ends are links. */
export function Lineage({ graph: { edges } }: { graph: Graph }): ReactNode {
  if (edges.length === 0) return <p className="quiet">none</p>;
  const places = layout(edges);
  const all = [...places.values()];
  const width = Math.max(...all.map(({ x }) => x)) + WIDTH + 2;
  const height = Math.max(...all.map(({ y }) => y)) + HEIGHT + 2;
  const at = (node: Node) => places.get(keyOf(node))!;
  return (
    <>
      <Scrolled label="Lineage">
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={`Lineage of ${all.length} things; the list below tells it`}
        >
          {edges.map(({ from, to, relation }) => {
            const [a, b] = [at(from), at(to)];
            const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2];
            return (
              <path
                key={`${keyOf(from)} ${relation} ${keyOf(to)}`}
                d={`M${x1} ${y1}C${x1 + GAP_X / 2} ${y1} ${x2 - GAP_X / 2} ${y2} ${x2} ${y2}`}
                className="edge"
              />
            );
          })}
          {all.map(({ node, x, y }) => (
            <g key={keyOf(node)} transform={`translate(${x} ${y})`}>
              <rect width={WIDTH} height={HEIGHT} rx="4" className="node" />
              <text x={WIDTH / 2} y="21" textAnchor="middle">
                {shortName(node, 20)}
                <title>{`${node.kind} ${node.id}`}</title>
              </text>
            </g>
          ))}
        </svg>
      </Scrolled>
      <ul>
        {edges.map(({ from, to, relation }) => (
          <li key={`${keyOf(from)} ${relation} ${keyOf(to)}`}>
            <Named node={from} /> <span className="quiet">{relation}</span> <Named node={to} />
          </li>
        ))}
      </ul>
    </>
  );
}

const keyOf = ({ kind, id }: Node): string => `${kind}:${id}`;

function shortName({ kind, id }: Node, most: number): string {
  const text = `${kind} ${kind === 'run' || kind === 'model' ? id.slice(0, 12) : id}`;
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function Named({ node }: { node: Node }): ReactNode {
  const { kind, id } = node;
  const name = shortName(node, 60);
  if (kind === 'run') return <a href={linkTo(['experiments', 0, 'runs', id])}>{name}</a>;
  if (kind === 'rollout') return <a href={linkTo(['rollouts', id])}>{name}</a>;
  if (kind === 'version') return <a href={linkTo(['models', ...id.split('/')])}>{name}</a>;
  return name;
}

/** Columns by the longest way from an origin, so that every arrow points to the right. */
function layout(edges: Graph['edges']): Map<string, { node: Node; x: number; y: number }> {
  const nodes = new Map(edges.flatMap(({ from, to }) => [from, to]).map((node) => [keyOf(node), node]));
  const depth = new Map([...nodes.keys()].map((key) => [key, 0]));
  // As many rounds as the longest way can have; a circle, which there should not be, ends with them.
  for (let round = 1; round < nodes.size; round++) {
    for (const { from, to } of edges) {
      depth.set(keyOf(to), Math.max(depth.get(keyOf(to))!, Math.min(nodes.size, depth.get(keyOf(from))! + 1)));
    }
  }
  const rows = new Map<number, number>();
  return new Map(
    [...nodes].map(([key, node]) => {
      const column = depth.get(key)!;
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      return [key, { node, x: 1 + column * (WIDTH + GAP_X), y: 1 + row * (HEIGHT + GAP_Y) }];
    }),
  );
}
