/** A thread that makes synthetic rows, for {@link makeRows}. */
import { answerCall } from '../../concurrency/index.js';
import { type CopulaOptions, copulaRows } from '../gaussian-copula/rows.js';
import { type SmoteOptions, smoteRows } from '../smote/rows.js';
import type { Source, Synthetic } from './source.js';

export interface MakeRequest {
  readonly type: 'smote' | 'gaussian-copula';
  readonly source: Source;
  readonly options: unknown;
}

answerCall(async ({ type, source, options }: MakeRequest): Promise<Synthetic | undefined> => {
  switch (type) {
    case 'smote':
      return smoteRows(source, options as SmoteOptions);
    case 'gaussian-copula':
      return copulaRows(source, options as CopulaOptions);
    default:
      return type satisfies never;
  }
});
