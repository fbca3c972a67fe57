import { styleText } from 'node:util';
import type { EpochRecord } from '../training/events.js';
import type { ExperimentEvent } from '../tuning/events.js';

/**
 * Live progress of an experiment on stderr: one line that rewrites itself on a terminal, one line an epoch (thinned to
 * at most some forty a run) elsewhere.
 */
export class Progress {
  readonly #terminal = process.stderr.isTTY === true;
  readonly #primary: string;
  readonly #epochs: number;
  #live = false;

  constructor(primary: string, epochs: number) {
    this.#primary = primary;
    this.#epochs = epochs;
  }

  show(event: ExperimentEvent): void {
    switch (event.type) {
      case 'data': {
        const { train, validation, holdout } = event.rows;
        this.#line(
          `data  ${event.name} ${event.version}: ${count(train)} train, ${count(validation)} validation, ${count(holdout)} holdout (locked); ${event.inputs} inputs a row`,
        );
        break;
      }
      case 'warning':
        this.#line(`${yellow('warning')}  ${event.message}. ${event.remedy}`);
        break;
      case 'run':
        this.#line(`${event.label}  (${event.index} of ${event.count})  run ${event.runId.slice(0, 8)}`);
        break;
      case 'training':
        this.#training(event.event);
        break;
      case 'run-ended':
        if (event.outcome === 'diverged') this.#line(yellow('  diverged: kept the last good weights'));
        break;
      default:
        event satisfies never;
    }
  }

  /** Ends the live line, so that other output starts on a fresh one. */
  end(): void {
    if (this.#live) process.stderr.write('\n');
    this.#live = false;
  }

  #training(event: Extract<ExperimentEvent, { type: 'training' }>['event']): void {
    switch (event.type) {
      case 'progress':
        if (this.#terminal) {
          const done = bar(event.step / event.stepsPerEpoch);
          this.#rewrite(
            `  epoch ${event.epoch}/${this.#epochs} ${done} loss ${event.loss.toFixed(4)}  ${event.stepsPerSecond.toFixed(0)} steps/s  ${duration(event.secondsLeft)} left`,
          );
        }
        break;
      case 'epoch': {
        const line = this.#epochLine(event.record, event.best, event.secondsLeft);
        if (this.#terminal) this.#rewrite(line);
        else if (event.record.epoch % Math.ceil(this.#epochs / 40) === 0 || event.record.epoch === 1) this.#line(line);
        break;
      }
      case 'finding':
        this.#line(`  ${yellow(event.finding.severity)}  ${event.finding.message}. ${event.finding.remedy}`);
        break;
      case 'started':
      case 'checkpoint':
        break;
      default:
        event satisfies never;
    }
  }

  #epochLine({ epoch, trainLoss, train, validation, gap }: EpochRecord, best: boolean, secondsLeft: number): string {
    const figure = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(4));
    return `  epoch ${epoch}/${this.#epochs}  loss ${trainLoss.toFixed(4)}  ${this.#primary} train ${figure(train[this.#primary])} validation ${figure(validation[this.#primary])}  gap ${figure(gap)}${best ? ' *' : ''}  ${duration(secondsLeft)} left`;
  }

  #line(text: string): void {
    this.end();
    process.stderr.write(`${text}\n`);
  }

  #rewrite(text: string): void {
    process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 120) - 1)}`);
    this.#live = true;
  }
}

function bar(share: number): string {
  const full = Math.round(16 * Math.min(1, Math.max(0, share)));
  return `${'█'.repeat(full)}${'░'.repeat(16 - full)}`;
}

/** `1 min 20 s`. */
function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const count = (rows: number): string => rows.toLocaleString('en-US');

const yellow = (text: string): string =>
  process.stderr.isTTY === true && !process.env.NO_COLOR ? styleText('yellow', text) : text;
