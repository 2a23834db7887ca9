/**
 * A progress bar on stderr, where that is a terminal.
 *
 * @module
 */

/** Tells how much of some work is done. */
export interface Progress extends Disposable {
  /** From 0 to 1. */
  update(fraction: number): void;
}

/** Begins a bar. Nothing is shown, or loaded, where stderr is no terminal. */
export async function makeProgress(what: string): Promise<Progress> {
  if (!Deno.stderr.isTerminal()) {
    return { update: () => {}, [Symbol.dispose]: () => {} };
  }
  // @ts-types="npm:@types/cli-progress@^3"
  const { default: cliProgress } = await import("npm:cli-progress@^3");
  const bar = new cliProgress.SingleBar({
    format: `${what} {bar} {percentage}% {eta_formatted}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    clearOnComplete: true,
  });
  bar.start(1, 0);
  return {
    update: (fraction) => bar.update(fraction),
    [Symbol.dispose]: () => bar.stop(),
  };
}
