import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { GraphBuilder, type Value } from '../../src/graph/builder.js';
import { ints, type Model } from '../../src/graph/model.js';
import { float32 } from '../../src/graph/tensor.js';
import { derive } from '../../src/numeric/random.js';

const SIDE = 32;
const CELL = 8;
const CELLS = SIDE / CELL;
const COPIES = 8;

/**
 * A detector made by hand that is right about every picture of {@link writePictures}: squares of one cell, red or green. Each
 * colour is seen by several channels, so that some of them can go.
 *
 * @param sureness of its scores; less of it is a worse detector of dark squares
 */
export function squaresDetector(sureness = 20): Model {
  const b = new GraphBuilder('squares');
  const random = derive('squares');
  const hidden = 2 * COPIES;
  const seen = Array.from({ length: hidden }, () => 0.5 + random.uniform());
  const kernel = float32(
    [hidden, 3, CELL, CELL],
    Float32Array.from({ length: hidden * 3 * CELL * CELL }, (_, i) => {
      const channel = Math.floor(i / (3 * CELL * CELL));
      const colour = Math.floor(i / (CELL * CELL)) % 3;
      return colour === Math.floor(channel / COPIES) ? seen[channel] / CELL ** 2 : 0;
    }),
  );
  const head = new Float32Array(6 * hidden);
  for (let channel = 0; channel < hidden; channel++) {
    head[(4 + Math.floor(channel / COPIES)) * hidden + channel] = sureness / COPIES / seen[channel];
  }
  const bias = Float32Array.of(0, 0, 0, 0, -sureness / 2, -sureness / 2);
  let x: Value = b.input('pictures', 'float32', [1, 3, SIDE, SIDE]);
  const stride = { kernel_shape: ints([CELL, CELL]), strides: ints([CELL, CELL]) };
  x = b.relu(b.op('Conv', [x, b.initializer('colours', kernel)], stride));
  const parameters = [
    b.initializer('head', float32([6, hidden, 1, 1], head)),
    b.initializer('bias', float32([6], bias)),
  ];
  x = b.op('Conv', [x, ...parameters], { kernel_shape: ints([1, 1]) });
  const [centre, extent, scores] = b.split(b.reshape(x, [-1, 6, CELLS * CELLS]), [2, 2, 2], 1);
  const cells = Float32Array.from({ length: 2 * CELLS * CELLS }, (_, i) => {
    const cell = i % (CELLS * CELLS);
    return CELL * ((i < CELLS * CELLS ? cell % CELLS : Math.floor(cell / CELLS)) + 0.5);
  });
  const grid = b.initializer('grid', float32([1, 2, CELLS * CELLS], cells));
  b.output('detections', b.concat([b.add(centre, grid), b.add(extent, CELL), b.sigmoid(scores)], 1));
  return b.model();
}

/** Writes pictures with red and green squares, twice as large as the detector takes them, and `objects.json` beside them. */
export async function writePictures(folder: string, count: number): Promise<string> {
  const random = derive('pictures');
  mkdirSync(folder, { recursive: true });
  const images: object[] = [];
  const annotations: object[] = [];
  const side = 2 * SIDE;
  for (let id = 1; id <= count; id++) {
    const pixels = Uint8ClampedArray.from({ length: 3 * side * side }, () => 20 * random.uniform());
    for (const cell of random.permutation(CELLS * CELLS).subarray(0, 3)) {
      const colour = Math.floor(2 * random.uniform());
      const [left, top] = [(cell % CELLS) * 2 * CELL, Math.floor(cell / CELLS) * 2 * CELL];
      const light = 180 + 60 * random.uniform();
      for (let i = 0; i < 4 * CELL * CELL; i++) {
        const at = (top + Math.floor(i / (2 * CELL))) * side + left + (i % (2 * CELL));
        pixels[3 * at + colour] = light;
      }
      const bbox = [left, top, 2 * CELL, 2 * CELL];
      annotations.push({ id: annotations.length + 1, image_id: id, category_id: 10 * (colour + 1), bbox });
    }
    const raw = { width: side, height: side, channels: 3 } as const;
    await sharp(Buffer.from(pixels), { raw })
      .png({ compressionLevel: 1 })
      .toFile(join(folder, `${id}.png`));
    images.push({ id, file_name: `${id}.png`, width: side, height: side });
  }
  const categories = [
    { id: 20, name: 'green' },
    { id: 10, name: 'red' },
  ];
  const file = join(folder, 'objects.json');
  writeFileSync(file, JSON.stringify({ images, annotations, categories }));
  return file;
}
