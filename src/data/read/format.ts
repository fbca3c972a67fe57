import { extname } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Format } from './options.js';
import type { Resolved } from './source.js';

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.data': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.parquet': 'parquet',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.idx': 'idx',
  '.npz': 'npz',
  '.npy': 'npy',
  '.svm': 'svmlight',
  '.libsvm': 'svmlight',
  '.svmlight': 'svmlight',
  '.json': 'json-classes',
  '.png': 'images',
  '.jpg': 'images',
  '.jpeg': 'images',
  '.webp': 'images',
  '.wav': 'audio',
  '.txt': 'text',
};

/** Formats of which a gzip file is read too. */
const COMPRESSED: ReadonlySet<Format> = new Set(['csv', 'tsv', 'jsonl', 'idx', 'text', 'svmlight']);

const READABLE = '.csv[.gz] .tsv[.gz] .parquet .jsonl[.gz] .npz .npy .svm[.gz] .txt, idx, folders of images or .wav';

/** The file's format by its name, or undefined. */
function formatOf(file: string): Format | undefined {
  const name = file.toLowerCase();
  const compressed = name.endsWith('.gz');
  const plain = compressed ? name.slice(0, -3) : name;
  // MNIST and its kin are called `train-images-idx3-ubyte`.
  if (/[-.]idx\d(-[a-z]+)?$/.test(plain) || /-ubyte$/.test(plain)) return 'idx';
  const format = Object.hasOwn(BY_EXTENSION, extname(plain)) ? BY_EXTENSION[extname(plain)] : undefined;
  return format === undefined || (compressed && !COMPRESSED.has(format)) ? undefined : format;
}

/**
 * The one format of a source's files, and the files that are of it. In a named folder the format that most files have
 * is taken, and others (a README, a licence) are passed over; several tables of different kinds are an error.
 */
export function chooseFormat(resolved: Resolved, given: Format | undefined): { format: Format; files: string[] } {
  if (given !== undefined) {
    const suited = resolved.files.filter((file) => !resolved.folder || formatOf(file) === given);
    if (suited.length === 0) throw unknown(resolved, `the folder holds no ${given} files`);
    return { format: given, files: suited };
  }
  const counts = new Map<Format, string[]>();
  for (const file of resolved.files) {
    const format = formatOf(file);
    if (format !== undefined) {
      const files = counts.get(format) ?? [];
      files.push(file);
      counts.set(format, files);
    } else if (!resolved.folder) throw unknown(resolved, `the file's extension is not known: ${file}`);
  }
  // An archive and, beside it, arrays of the same rows.
  const archives = counts.get('npz');
  if (!resolved.folder && archives?.length === 1 && counts.size === 2 && counts.has('npy')) {
    return { format: 'npz', files: [...resolved.files] };
  }
  const [best, ...others] = [...counts].sort(([, a], [, b]) => b.length - a.length);
  if (best === undefined) throw unknown(resolved, 'the folder holds no file of a known kind');
  const serious = others.filter(([format]) => format !== 'text' && format !== 'json-classes');
  if (serious.length > 0 && (!resolved.folder || (best[0] !== 'images' && best[0] !== 'audio'))) {
    throw unknown(
      resolved,
      `the files are of several kinds: ${[best, ...serious].map(([format]) => format).join(', ')}`,
    );
  }
  return { format: best[0], files: best[1] };
}

function unknown(resolved: Resolved, message: string): BallastError {
  return new BallastError(message, {
    code: 'DATA_FORMAT_UNKNOWN',
    place: resolved.source,
    remedy: `Readable are ${READABLE}; or say which with format.`,
  });
}
