/** Threads of this process: how a module starts as one, and what it says when it fails. */

export { type FailureMessage, failureMessage, revive } from './failure.js';
export { answerCall, callInThread, startThread } from './thread.js';
