/**
 * How a command ends when it does not end well.
 *
 * @module
 */

/** The command line cannot be meant: exit code 2. */
export class UsageError extends Error {}

/** What was asked for could not be done: exit code 1. An empty message: it has been said. */
export class Failure extends Error {}

/** The user pressed Ctrl-C: exit code 130. */
export class Interrupt extends Error {
  constructor() {
    super("interrupted; what was done stays done");
  }
}
