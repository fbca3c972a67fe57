import { isFeasible } from '../search/trial.js';
import type { SweepEvent } from '../tuning/sweep/driver.js';
import type { SweepBegun } from '../tuning/sweep/run-sweep.js';
import { stopText } from './sweep-lines.js';
import { timeText } from './time-text.js';

/** Progress of a sweep on stderr: what it will cost, then a line for each trial that ends. */
export class SweepProgress {
  #trials = 0;
  #best = Number.POSITIVE_INFINITY;

  show(event: SweepEvent | SweepBegun): void {
    switch (event.type) {
      case 'data': {
        const { train, validation, holdout } = event.rows;
        this.#line(
          `data  ${event.name} ${event.version}: ${train} train, ${validation} validation, ${holdout} holdout (locked, not read)`,
        );
        break;
      }
      case 'estimate': {
        const { trialSeconds, seconds, trials, money } = event.estimate;
        const workers = event.workers === 1 ? 'one worker' : `${event.workers} workers`;
        const cost = money === undefined ? '' : `, ${money.toFixed(2)} in money`;
        this.#line(
          `estimate  at most ${timeText(trialSeconds)} a trial; ${trials} trials on ${workers}: ${timeText(seconds)}${cost}`,
        );
        break;
      }
      case 'begun':
        this.#trials = event.trials;
        this.#line(`sweep ${event.sweepId.slice(0, 8)}  ${event.trials} trials over ${event.parameters.join(', ')}`);
        break;
      case 'trial':
        break;
      case 'trial-ended':
        this.#ended(event);
        break;
      case 'look':
        this.#line(`  ${stopText(event.look)}`);
        break;
      default:
        event satisfies never;
    }
  }

  #ended({ trial, outcome, done }: Extract<SweepEvent, { type: 'trial-ended' }>): void {
    const loss = trial.losses?.[0];
    if (loss !== undefined && isFeasible(trial)) this.#best = Math.min(this.#best, loss);
    const figure = (value: number): string => Math.abs(value).toPrecision(4);
    const what = loss === undefined ? trial.state : figure(loss);
    const why = outcome.error === undefined ? '' : `: ${outcome.error.message}`;
    const best = Number.isFinite(this.#best) ? `, best ${figure(this.#best)}` : '';
    this.#line(
      `  trial ${trial.number}  ${what}${why}  ${timeText(outcome.seconds)}  (${done} of ${this.#trials}${best})`,
    );
  }

  #line(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}
