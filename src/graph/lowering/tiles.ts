import type { GraphBuilder, Value } from '../builder.js';
import type { TileSize } from './winograd-transforms.js';

/** How images of even extents are cut into tiles, and where everything lies. One tile more than needed is all zero. */
export interface Tiling {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly tile: TileSize;
}

export const tileCount = ({ images, height, width, tile }: Tiling): number => (images * height * width) / (tile * tile);

/**
 * For each element of the input tiles, [(m+2)^2, tiles + 1]: its row of the image, where the zero padding and the
 * zero tile are the row past the last.
 */
export function inputTiles(tiling: Tiling): Int32Array {
  const { images, height, width, tile } = tiling;
  const edge = tile + 2;
  const zero = images * height * width;
  const result = new Int32Array(edge * edge * (tileCount(tiling) + 1));
  let at = 0;
  for (let a = 0; a < edge; a++) {
    for (let c = 0; c < edge; c++) {
      for (let image = 0; image < images; image++) {
        for (let top = a - 1; top < height + a - 1; top += tile) {
          for (let left = c - 1; left < width + c - 1; left += tile) {
            const inside = top >= 0 && left >= 0 && top < height && left < width;
            result[at++] = inside ? (image * height + top) * width + left : zero;
          }
        }
      }
      result[at++] = zero;
    }
  }
  return result;
}

/**
 * The adjoint of {@link inputTiles}: for each row of the image, the (up to four) elements of input tiles that saw it;
 * elements of the zero tile where there are fewer.
 */
export function overlaps(tiling: Tiling): Int32Array[] {
  const { images, height, width, tile } = tiling;
  const edge = tile + 2;
  const [down, across] = [height / tile, width / tile];
  const zero = tileCount(tiling);
  const result = Array.from({ length: 4 }, () => new Int32Array(images * height * width));
  let at = 0;
  for (let image = 0; image < images; image++) {
    for (let y = 1; y <= height; y++) {
      for (let x = 1; x <= width; x++) {
        let list = 0;
        for (const a of [y % tile, (y % tile) + tile]) {
          for (const c of [x % tile, (x % tile) + tile]) {
            const [t, u] = [(y - a) / tile, (x - c) / tile];
            const seen = a < edge && c < edge && t >= 0 && u >= 0 && t < down && u < across;
            result[list++][at] = seen ? (a * edge + c) * (zero + 1) + (image * down + t) * across + u : zero;
          }
        }
        at++;
      }
    }
  }
  return result;
}

/**
 * Where the outputs lie when `cell` x `cell` outputs are left of each tile: the element [cell^2, tiles + 1] of each row
 * of the result, and the other way round, the row of each element (the row past the last for the zero tile).
 */
export function outputPlaces(tiling: Tiling, cell: number): { rowToTile: Int32Array; tileToRow: Int32Array } {
  const { images, height, width, tile } = tiling;
  const [down, across] = [height / tile, width / tile];
  const tiles = tileCount(tiling);
  const rows = tiles * cell * cell;
  const rowToTile = new Int32Array(rows);
  const tileToRow = new Int32Array(cell * cell * (tiles + 1)).fill(rows);
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < down * cell; y++) {
      for (let x = 0; x < across * cell; x++) {
        const row = (image * down * cell + y) * across * cell + x;
        const inTile = (y % cell) * cell + (x % cell);
        const tileAt = (image * down + Math.floor(y / cell)) * across + Math.floor(x / cell);
        rowToTile[row] = inTile * (tiles + 1) + tileAt;
        tileToRow[rowToTile[row]] = row;
      }
    }
  }
  return { rowToTile, tileToRow };
}

export function constantIndices(b: GraphBuilder, data: Int32Array): Value {
  return b.constant({ type: 'int32', shape: [data.length], data });
}
