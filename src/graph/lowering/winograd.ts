import type { GraphBuilder, Value } from '../builder.js';
import { reluGradient } from '../operators/operator.js';
import { constantMatrix, identity, kronecker, product, reordered, transposed } from './matrix.js';
import { type MaxOfFour, maxOfFour, SPREAD } from './max-of-four.js';
import type { Rows } from './rows.js';
import { constantIndices, inputTiles, outputPlaces, overlaps, type Tiling, tileCount } from './tiles.js';
import { type TileSize, transforms } from './winograd-transforms.js';

/** What a convolution is followed by; maximum, bias and Relu commute, so that the order does not matter. */
export interface Chain {
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly relu: boolean;
  /** A maximum over 2x2 windows with stride 2. */
  readonly pool: boolean;
}

/**
 * A 3x3 convolution of stride 1 and padding 1 on rows, as products with constants: tiles are gathered, transformed, and
 * multiplied by the transformed kernel in one batched product; the gradient is the same constants transposed. Pooling
 * comes before bias and Relu, on a quarter of the values.
 */
export function winograd(b: GraphBuilder, x: Rows, chain: Chain, tile: TileSize): Rows {
  const { weight, bias, relu, pool } = chain;
  const [outputs, channels] = weight.shape;
  const { height, width } = x;
  const constants = transforms(tile);
  const elements = constants.input.rows;
  const cell = pool ? tile / 2 : tile;
  const shrink = pool ? 2 : 1;

  const order = pool ? windowsOutermost(tile) : Array.from({ length: tile * tile }, (_, i) => i);
  const output = reordered(constants.output, order);
  const spread = pool ? product(transposed(output), kronecker(SPREAD, identity(cell * cell))) : transposed(output);
  const inputMatrix = constantMatrix(b, constants.input);
  const kernelMatrix = constantMatrix(b, constants.kernel);
  const outputMatrix = constantMatrix(b, output);
  const tables = new Map<number, Tables>();
  const tablesOf = (images: number): Tables => {
    const known = tables.get(images) ?? makeTables(b, { images, height, width, tile }, cell);
    tables.set(images, known);
    return known;
  };

  const inputs = [...x.chunks, weight, ...(bias === undefined ? [] : [bias])];
  const kept: { transformed: Value; pooled: MaxOfFour | undefined; result: Value }[] = [];
  let kernel: Value;
  const build = (): Value[] => {
    kernel = b.reshape(b.gemm(kernelMatrix, b.reshape(weight, [outputs * channels, 9]), undefined, { transB: true }), [
      elements,
      outputs,
      channels,
    ]);
    return x.chunks.map((chunk, c) => {
      const { tiles, gatherTiles, rowToTile } = tablesOf(x.images[c]);
      const gathered = b.gather(b.concat([chunk, b.scalar(0, 'float32', [1, channels])], 0), gatherTiles);
      const transformed = b.reshape(b.matMul(inputMatrix, b.reshape(gathered, [elements, tiles * channels])), [
        elements,
        tiles,
        channels,
      ]);
      const products = b.batchMatMul(transformed, kernel, { transB: true });
      const z = b.matMul(outputMatrix, b.reshape(products, [elements, tiles * outputs]));
      const windows = pool ? b.split(z, new Array<number>(4).fill(cell * cell), 0) : undefined;
      const pooled = windows === undefined ? undefined : maxOfFour(b, windows);
      const rows = b.gather(b.reshape(pooled?.max ?? z, [cell * cell * tiles, outputs]), rowToTile);
      const shifted = shift(b, rows, bias, pooled);
      const result = relu ? b.relu(shifted) : shifted;
      kept.push({ transformed, pooled, result });
      return result;
    });
  };

  const gradient = (arriving: readonly (Value | undefined)[]): (Value | undefined)[] => {
    const spreadMatrix = constantMatrix(b, spread);
    const inputBack = constantMatrix(b, transposed(constants.input));
    const ofKernel: Value[] = [];
    const ofBias: Value[] = [];
    const ofInput = arriving.map((given, c) => {
      if (given === undefined) return undefined;
      const { tiles, overlapping, tileToRow } = tablesOf(x.images[c]);
      const { transformed, pooled, result } = kept[c];
      const d = relu ? reluGradient(b, result, given) : given;
      const size = d.shape[0];
      ofBias.push(b.matMul(b.scalar(1, 'float32', [1, size]), d));
      const inTiles = b.reshape(b.gather(b.concat([d, b.scalar(0, 'float32', [1, outputs])], 0), tileToRow), [
        cell * cell,
        tiles * outputs,
      ]);
      const parts = pooled === undefined ? inTiles : b.concat(pooled.parts(inTiles), 0);
      const ofProducts = b.reshape(b.matMul(spreadMatrix, parts), [elements, tiles, outputs]);
      ofKernel.push(b.batchMatMul(transformed, ofProducts, { transA: true }));
      const ofTransformed = b.reshape(b.matMul(ofProducts, kernel), [elements, tiles * channels]);
      const ofTiles = b.reshape(b.matMul(inputBack, ofTransformed), [elements * tiles, channels]);
      return b.op(
        'Sum',
        overlapping.map((index) => b.gather(ofTiles, index)),
      );
    });
    const total = b.reshape(b.swapLast(sum(b, ofKernel)), [elements, outputs * channels]);
    const ofWeight = b.reshape(b.gemm(total, kernelMatrix, undefined, { transA: true }), weight.shape);
    return [...ofInput, ofWeight, ...(bias === undefined ? [] : [b.reshape(sum(b, ofBias), [outputs])])];
  };

  const chunks = b.composite('winograd', inputs, build, gradient);
  return { chunks, images: x.images, height: height / shrink, width: width / shrink, channels: outputs };
}

/** The convolution's bias added, and the winners of its pooling tied to it. */
export function shift(b: GraphBuilder, rows: Value, bias: Value | undefined, pooled: MaxOfFour | undefined): Value {
  if (pooled === undefined) return bias === undefined ? rows : b.add(rows, bias);
  return b.add(rows, bias === undefined ? pooled.zero : b.add(bias, pooled.zero));
}

export const sum = (b: GraphBuilder, values: readonly Value[]): Value =>
  values.length === 1 ? values[0] : b.op('Sum', values);

/** Outputs of a tile so that the four of a pooling window are the outermost axis. */
function windowsOutermost(tile: TileSize): number[] {
  const half = tile / 2;
  const order: number[] = [];
  for (const dy of [0, 1]) {
    for (const dx of [0, 1]) {
      for (let y = 0; y < half; y++) for (let x = 0; x < half; x++) order.push((2 * y + dy) * tile + 2 * x + dx);
    }
  }
  return order;
}

interface Tables {
  /** The zero tile counted. */
  readonly tiles: number;
  readonly gatherTiles: Value;
  readonly overlapping: readonly Value[];
  readonly rowToTile: Value;
  readonly tileToRow: Value;
}

function makeTables(b: GraphBuilder, tiling: Tiling, cell: number): Tables {
  const places = outputPlaces(tiling, cell);
  return {
    tiles: tileCount(tiling) + 1,
    gatherTiles: constantIndices(b, inputTiles(tiling)),
    overlapping: overlaps(tiling).map((index) => constantIndices(b, index)),
    rowToTile: constantIndices(b, places.rowToTile),
    tileToRow: constantIndices(b, places.tileToRow),
  };
}
