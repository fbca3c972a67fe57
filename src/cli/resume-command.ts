/** Digits of an experiment's id that messages show. */
const SHOWN = 8;

/**
 * The command that goes on with an experiment.
 *
 * @param command that began it, as its runs recorded it; of another command the record of the experiment is enough
 */
export function resumeCommand(command: string | undefined, experiment: string): string {
  const began = command?.startsWith('ballast train ') === true ? command : 'ballast train';
  const again = began.replace(/ --resume[= ]\S+/, '').replace(/ --new-holdout\b/, '');
  return `${again} --resume ${experiment.slice(0, SHOWN)}`;
}
