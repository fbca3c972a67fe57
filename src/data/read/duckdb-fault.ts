import { BallastError } from '../../errors.js';

/** The engine's error in the project's terms: where it is (file, line, column) and what to do about it. */
export function engineFault(error: unknown, place: string): BallastError {
  if (error instanceof BallastError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const line = /CSV Error on Line: (\d+)/.exec(text)?.[1] ?? jsonLine(text);
  const file = /^\s*file = (.+)$/m.exec(text)?.[1];
  const where = `${file === undefined || place.endsWith(file) ? place : file}${line === undefined ? '' : ` line ${line}`}`;
  const fault = (code: string, message: string, remedy: string, value?: string) =>
    new BallastError(message, { code, place: where, remedy, cause: error, ...(value === undefined ? {} : { value }) });

  const fields = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(text);
  if (fields !== null) {
    const [, expected, found] = fields;
    const remedy = 'Mend the line, set skip for lines before the table, or set delimiter and quote.';
    return fault('DATA_RAGGED', `the line has ${found} fields, not ${expected}`, remedy);
  }
  if (/not utf-8 encoded|Invalid unicode|invalid UTF-?8/i.test(text)) {
    return fault('DATA_ENCODING', 'the text is not UTF-8', 'Convert it, or set its encoding, e.g. latin1.');
  }
  if (/unterminated quote|quote should be followed|unquoted value/i.test(text)) {
    return fault(
      'DATA_QUOTE',
      'a quoted field does not end properly',
      'Mend the line, or set quote and escape of the file.',
    );
  }
  if (/Maximum line size/i.test(text)) {
    return fault(
      'DATA_LINE_TOO_LONG',
      'a line is longer than 2 MB',
      'Is a quote left open? Mend the line, or set quote.',
    );
  }
  const conversion = /Error when converting column "(.*?)"\. Could not convert string "(.*?)" to '?(\w+)/s.exec(text);
  if (conversion !== null) {
    const [, column, value, type] = conversion;
    return fault(
      'DATA_TYPE',
      `the column ${column} is not ${nameOf(type)}`,
      'Mend the value, or give the column another type.',
      value,
    );
  }
  if (/^Conversion Error|Could not convert|Failed to cast|Could not parse/i.test(text)) {
    const message = `a value is not of its column's type: ${headline(text)}`;
    return fault('DATA_TYPE', message, 'Mend the value, or give the column another type.');
  }
  if (/Malformed JSON|JSON transform error|Invalid JSON/i.test(text)) {
    return fault('DATA_JSON', `a line is not a JSON object of the file's columns: ${headline(text)}`, 'Mend the line.');
  }
  if (/non-record JSON/i.test(text)) {
    return fault('DATA_JSON', 'a line is JSON, but no object', 'Write each row as {"column": value, ...} in one line.');
  }
  if (/No space left|Could not (write|truncate|sync)|Disk quota/i.test(text)) {
    return new BallastError('a temporary file cannot be written', {
      code: 'DATA_IO',
      kind: 'environment',
      place: where,
      remedy: 'Free space, or set TMPDIR to a larger disk.',
      cause: error,
    });
  }
  if (/No magic bytes|too small to be a Parquet|Parquet|TProtocol|Snappy|ZSTD|decompress/i.test(text)) {
    return fault(
      'DATA_CORRUPT',
      `the Parquet file is truncated or damaged: ${headline(text)}`,
      'Fetch or write the file again.',
    );
  }
  if (/^Out of Memory/i.test(text)) {
    return new BallastError('memory is exhausted', {
      code: 'DATA_MEMORY',
      kind: 'environment',
      place: where,
      remedy: 'Use a machine with more memory, or fewer rows.',
      cause: error,
    });
  }
  return fault('DATA_UNREADABLE', `the file cannot be read: ${headline(text)}`, 'Check the file and its format.');
}

/** Whether the engine gave up because a type that it had inferred from the first rows does not suit a later one. */
export function isInferenceFault(error: unknown): boolean {
  if (error instanceof BallastError || !(error instanceof Error)) return false;
  return /Error when converting column|JSON transform error|Conversion Error|Could not convert/i.test(error.message);
}

/** The line of an error in JSON lines: the engine counts the first one as the second. */
function jsonLine(text: string): number | undefined {
  const line = /in line (\d+)/.exec(text)?.[1];
  return line === undefined ? undefined : Math.max(1, Number(line) - 1);
}

/** The engine's first line, without what is said of the place already. */
function headline(text: string): string {
  return (text.split('\n')[0] ?? '')
    .replace(/^[A-Z][A-Za-z ]* Error: /, '')
    .replace(/ ?(in|at end of) file ['"].*?['"](, at byte \d+ in line \d+)?/, '')
    .replace(/^Failed to read file ".*?": /, '')
    .replace(/[\s.]+$/, '')
    .slice(0, 240);
}

function nameOf(type: string): string {
  if (/INT$/.test(type)) return 'of integers';
  if (/DOUBLE|FLOAT|DECIMAL/.test(type)) return 'of numbers';
  if (/DATE|TIME/.test(type)) return 'of dates or times';
  return `of type ${type}`;
}
