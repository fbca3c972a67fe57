import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Scrolled } from './scrolled.js';

const ROW_HEIGHT = 32;
/** Rows above and below those in sight that are there as well. */
const MARGIN = 10;

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  readonly width: number;
  readonly sortable: boolean;
  readonly numeric?: boolean;
  cell(row: Row): ReactNode;
}

interface VirtualTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly total: number;
  /** The row at a place; undefined while it is on its way. */
  rowAt(index: number): Row | undefined;
  onRange(first: number, last: number): void;
  readonly order: { readonly key: string; readonly ascending: boolean } | undefined;
  onOrder(key: string): void;
}

/** A table of any number of rows, of which those in sight are in the document. */
export function VirtualTable<Row>(props: VirtualTableProps<Row>): ReactNode {
  const { label, columns, total, rowAt, onRange, order, onOrder } = props;
  const box = useRef<HTMLElement>(null);
  const [range, setRange] = useState({ first: 0, last: 40 });
  const measure = (): void => {
    const { scrollTop = 0, clientHeight = 600 } = box.current ?? {};
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - MARGIN);
    setRange({ first, last: Math.min(total, first + Math.ceil(clientHeight / ROW_HEIGHT) + 2 * MARGIN) });
  };
  useEffect(measure, [total]);
  useEffect(() => onRange(range.first, range.last), [range, onRange]);
  const indices = Array.from(
    { length: Math.max(0, Math.min(range.last, total) - range.first) },
    (_, i) => range.first + i,
  );
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  return (
    <Scrolled className="table-box" label={label} box={box} onScroll={measure}>
      <table style={{ width }} aria-rowcount={total + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ key, label: name, width: columnWidth, sortable }) => (
              <th
                key={key}
                scope="col"
                style={{ width: columnWidth }}
                aria-sort={order?.key === key ? (order.ascending ? 'ascending' : 'descending') : undefined}
              >
                {sortable ? (
                  <button type="button" className="plain" onClick={() => onOrder(key)}>
                    {name}
                    {order?.key === key ? (order.ascending ? ' ▲' : ' ▼') : ''}
                  </button>
                ) : (
                  name
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {range.first > 0 && <tr aria-hidden style={{ height: range.first * ROW_HEIGHT }} />}
          {indices.map((index) => {
            const row = rowAt(index);
            return (
              <tr key={index} aria-rowindex={index + 2} style={{ height: ROW_HEIGHT }}>
                {columns.map((column) => (
                  <td key={column.key} className={column.numeric === true ? 'number' : undefined}>
                    {row === undefined ? '…' : column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {range.last < total && <tr aria-hidden style={{ height: (total - range.last) * ROW_HEIGHT }} />}
        </tbody>
      </table>
    </Scrolled>
  );
}
