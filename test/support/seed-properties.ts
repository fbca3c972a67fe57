import fc from 'fast-check';

const wanted = process.env.BALLAST_FUZZ_SEED ?? '1';

/**
 * Properties are tested on the same cases in every run, so that a change passes or fails for what is in it. To look for
 * cases nobody has seen: BALLAST_FUZZ_SEED=random, with BALLAST_FUZZ_RUNS for more of them.
 */
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });
