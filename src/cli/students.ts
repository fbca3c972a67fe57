import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Examples } from '../compression/examples.js';
import { type Student, searchedStudents } from '../compression/train/student.js';
import { BallastError } from '../errors.js';
import { modelOptions } from '../models/options.js';
import { readSpec } from '../spec/read.js';

/**
 * The students that `--student` names: `search`, `mlp:64,32`, or a spec whose model it is.
 *
 * @throws BallastError STUDENT, and those of reading a spec
 */
export async function studentsOf(given: readonly string[], examples: Examples): Promise<Student[]> {
  const students: Student[] = [];
  for (const text of given) {
    if (text === 'search') students.push(...searchedStudents(examples));
    else students.push(await studentNamed(text));
  }
  const names = students.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw refused(twice, 'two students are called so', 'Leave one out');
  return students;
}

async function studentNamed(text: string): Promise<Student> {
  const [, widths] = /^mlp:(\d+(?:,\d+)*)$/.exec(text) ?? [];
  if (widths !== undefined) {
    const hidden = widths.split(',').map(Number);
    const parsed = modelOptions.safeParse({ type: 'mlp', hidden });
    if (!parsed.success) throw refused(text, 'these are no widths of layers', 'Write widths of 1 to 65,536');
    if (parsed.data.type !== 'onnx') return { name: `mlp${hidden.join('x')}`, options: parsed.data };
  }
  if (!/\.ya?ml$|\.json$/i.test(text) || !existsSync(text)) {
    throw refused(text, 'this names no student', 'Write search, mlp:64,32, or the file of a spec');
  }
  const { model } = (await readSpec(text)).spec;
  if (model.type === 'onnx')
    throw refused(text, 'its model is a file, not an architecture', 'Compress that file itself');
  return { name: basename(text).replace(/\.\w+$/, ''), options: model };
}

function refused(value: string, message: string, remedy: string): BallastError {
  return new BallastError(message, { code: 'STUDENT', place: '--student', value, remedy });
}
