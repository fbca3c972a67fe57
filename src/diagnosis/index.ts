/** From what is known of data and runs to what to do. */
export { type Advice, type AdviceInput, advise, type SeenRun } from './advice.js';
