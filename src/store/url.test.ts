import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseStoreUrl } from './url.js';

describe('the address of a store', () => {
  test.each([
    ['./.ballast', resolve('.ballast')],
    ['some folder/with blanks', resolve('some folder/with blanks')],
    ['file:relative', resolve('relative')],
    [pathToFileURL(resolve('a b')).href, resolve('a b')],
  ])('%s is a folder', (url, folder) => {
    expect(parseStoreUrl(url, {})).toEqual({
      kind: 'sqlite',
      folder,
      file: resolve(folder, 'ballast.db'),
      artifacts: resolve(folder, 'artifacts'),
    });
  });

  test('of PostgreSQL names the artifact folder itself or by the environment', () => {
    expect(parseStoreUrl('postgres://u:secret@h:5433/db?artifacts=%2Fdata%2Fa&sslmode=require', {})).toEqual({
      kind: 'postgres',
      connectionString: 'postgres://u:secret@h:5433/db?sslmode=require',
      artifacts: resolve('/data/a'),
      shown: 'postgres://h:5433/db',
    });
    expect(parseStoreUrl('postgresql://h/db', { BALLAST_ARTIFACTS: '/x' })).toMatchObject({ artifacts: resolve('/x') });
    expect(() => parseStoreUrl('postgres://u:secret@h/db', {})).toThrow(
      expect.objectContaining({ code: 'STORE_ARTIFACTS_MISSING', exitCode: 2, place: 'postgres://h/db' }),
    );
  });

  test.each([
    '',
    'a\0b',
    'mysql://u:secret@h/db',
    's3://bucket',
    'file:',
    'file://elsewhere/x',
    'postgres://u:secret@h:99999/',
  ])('%j is refused, and no password is shown', (url) => {
    try {
      parseStoreUrl(url, { BALLAST_ARTIFACTS: '/x' });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_URL_INVALID', exitCode: 2 });
      expect(JSON.stringify(error)).not.toContain('secret');
    }
  });
});
