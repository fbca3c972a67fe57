import { BallastError } from '../../errors.js';
import { isOfProduction, type ServedModel, type TrafficShare } from '../../store/index.js';

/** What is asked to be served. */
export interface ServedReference {
  readonly model: string;
  /** Which version, as long as the store says nothing of the model's traffic. */
  readonly by: { readonly alias: string } | { readonly version: number } | { readonly alias?: undefined };
}

const REFERENCE = /^(?:models:\/{1,3})?([^/\\:@#?%]+)(?:\/(\d{1,9})|@([\w-]+))?$/;

/**
 * Reads `NAME@ALIAS`, `NAME/VERSION` or `NAME` (the alias of production).
 *
 * @throws BallastError `MODEL_REFERENCE_INVALID`
 */
export function parseServed(reference: string): ServedReference {
  const found = REFERENCE.exec(reference);
  if (found === null) {
    throw new BallastError('This names no registered model to serve', {
      code: 'MODEL_REFERENCE_INVALID',
      place: '--models',
      value: reference,
      remedy: 'Write NAME@ALIAS, NAME/VERSION or NAME.',
    });
  }
  const [, model, version, alias] = found;
  if (version !== undefined) return { model, by: { version: Number(version) } };
  return { model, by: alias === undefined ? {} : { alias } };
}

/**
 * How the requests of a model are divided now.
 *
 * @throws BallastError `ALIAS_NOT_FOUND`
 */
export function sharesOf({ model, by }: ServedReference, { aliases, traffic }: ServedModel): readonly TrafficShare[] {
  if (traffic !== undefined && traffic.shares.length > 0) return traffic.shares;
  const version = 'version' in by ? by.version : aliased(by.alias, aliases);
  if (version !== undefined) return [{ version, role: 'live', weight: 1 }];
  const alias = 'version' in by ? undefined : by.alias;
  throw new BallastError('No version has this alias, and the store says nothing of the traffic of this model', {
    code: 'ALIAS_NOT_FOUND',
    kind: 'not-found',
    place: `models:/${model}@${alias ?? 'production'}`,
    remedy: `Set it (ballast models alias ${model}@${alias ?? 'production'} VERSION), or name a version: ${model}/VERSION.`,
  });
}

function aliased(alias: string | undefined, aliases: ServedModel['aliases']): number | undefined {
  const name = alias ?? Object.keys(aliases).find(isOfProduction);
  return name === undefined ? undefined : aliases[name];
}
