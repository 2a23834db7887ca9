/** A handler whose workers the test kills. */

import * as hi from "../../mod.ts";
import { encodeThrown } from "../../lib/value/thrown.ts";

/** Runs jobs in this process, in workers that are only thought of: all that has begun may be lost at any moment. */
export class MortalJobHandler implements hi.JobHandler {
  readonly #inner: hi.DefaultJobHandler;
  readonly #begun = new Map<hi.Task, (outcome: hi.Outcome) => void>();
  /** The Tasks that were begun, by key. */
  readonly calls = new Map<string, number>();

  constructor(concurrency: number) {
    this.#inner = new hi.DefaultJobHandler({ concurrency });
  }

  /** Resolves to the Outcome, or to the loss of the worker. */
  run(task: hi.Task): Promise<hi.Outcome> {
    return new Promise((resolve) => {
      const settle = (outcome: hi.Outcome) => {
        this.#begun.delete(task);
        resolve(outcome);
      };
      const inner: hi.Task = {
        ...task,
        key: task.key,
        nested: task.nested,
        priority: task.priority,
        get scope() {
          return task.scope;
        },
        arguments: () => task.arguments(),
        report: (event) => task.report(event),
        started: () => {
          this.#begun.set(task, (outcome) => {
            this.#inner.cancel(inner, new Error("killed"));
            settle(outcome);
          });
          this.calls.set(task.key, (this.calls.get(task.key) ?? 0) + 1);
          task.started();
        },
      };
      this.#inner.run(inner).then(settle);
      this.#cancels.set(task, (reason) => this.#inner.cancel(inner, reason));
    });
  }

  readonly #cancels = new WeakMap<hi.Task, (reason: unknown) => void>();

  cancel(task: hi.Task, reason: unknown): void {
    this.#cancels.get(task)?.(reason);
    this.#begun.delete(task);
  }

  /** Kills the worker of the job that has run longest, or one worker that all running jobs share. */
  kill(error?: hi.WorkerLostError, { shared = false } = {}): void {
    const all = [...this.#begun.values()];
    for (const lose of shared ? all : all.slice(0, 1)) {
      lose({
        status: "error",
        value: encodeThrown(
          error ??
            new hi.WorkerLostError("killed", {
              suspects: shared ? all.length : 1,
            }),
        ),
        console: [],
        timing: { startedAt: Date.now(), duration: 0 },
        lost: true,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}
