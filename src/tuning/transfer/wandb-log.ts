import { BallastError } from '../../errors.js';

/**
 * The records of a W&B offline run's log (`run-ID.wandb`): a header of seven bytes, then LevelDB's log format, in which
 * records are cut into pieces that do not cross blocks of 32 KiB; each piece has a checksum, a length and a type.
 */
const BLOCK_BYTES = 32_768;
const PIECE_HEADER_BYTES = 7;
const IDENT = ':W&B';
const PIECE = { full: 1, first: 2, middle: 3, last: 4 } as const;

/**
 * The records of a log, as bytes of protocol buffers. A log that ends within a record, as that of a killed run does, ends
 * with the record before.
 *
 * @throws BallastError `WANDB_LOG_INVALID`
 */
export function* recordsInLog(bytes: Uint8Array, place: string): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (Buffer.from(bytes.subarray(0, IDENT.length)).toString('latin1') !== IDENT) {
    throw new BallastError('This is no log of a W&B run', {
      code: 'WANDB_LOG_INVALID',
      place,
      remedy: 'Name the folder offline-run-... or the file run-ID.wandb in it.',
    });
  }
  let at = PIECE_HEADER_BYTES;
  let pieces: Uint8Array[] = [];
  while (at + PIECE_HEADER_BYTES <= bytes.byteLength) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < PIECE_HEADER_BYTES) {
      at += left;
      continue;
    }
    const length = view.getUint16(at + 4, true);
    const type = view.getUint8(at + 6);
    const from = at + PIECE_HEADER_BYTES;
    if (type === 0 && length === 0) {
      // Padding at the end of a block that was reserved and not written.
      at += left;
      continue;
    }
    if (from + length > bytes.byteLength) return;
    if (type < PIECE.full || type > PIECE.last || length > left - PIECE_HEADER_BYTES) {
      throw new BallastError('The log of the W&B run is damaged', {
        code: 'WANDB_LOG_INVALID',
        place: `${place} byte ${at}`,
      });
    }
    const piece = bytes.subarray(from, from + length);
    if (type === PIECE.full || type === PIECE.first) pieces = [];
    pieces.push(piece);
    if (type === PIECE.full || type === PIECE.last) yield pieces.length === 1 ? piece : Buffer.concat(pieces);
    at = from + length;
  }
}
