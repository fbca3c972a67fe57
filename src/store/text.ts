import { BallastError } from '../errors.js';

const LONGEST_NAME = 250;

/**
 * Checks a name (experiment, metric, parameter, tag, stage, data set): 1 to 250 characters, none of them a control
 * character, no unpaired surrogate. Returns it unchanged, so that a name always reads back as it was written.
 */
export function checkName(name: string, what: string): string {
  const fault =
    typeof name !== 'string' || name === ''
      ? 'is empty'
      : name.length > LONGEST_NAME
        ? `is longer than ${LONGEST_NAME} characters`
        : hasControlCharacter(name)
          ? 'holds a control character'
          : storableText(name) !== name
            ? 'is not well-formed Unicode'
            : undefined;
  if (fault === undefined) return name;
  throw new BallastError(`The ${what} ${fault}`, {
    code: 'STORE_NAME_INVALID',
    place: what,
    value: name,
    remedy: `Use 1 to ${LONGEST_NAME} printable characters.`,
  });
}

/**
 * Free text both databases can hold: unpaired surrogates and NUL (PostgreSQL refuses it, SQLite's C interface ends the
 * text there) become U+FFFD.
 */
export function storableText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\ufffd');
}

/** Whether a text holds a C0 or C1 control character or DEL. */
export function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
