/**
 * Where a function is defined: the module that a worker must import so that the
 * same definition happens there.
 *
 * @module
 */

/** Where a call came from. */
export interface CallSite {
  /**
   * URL of the module whose evaluation led to the call: of the outermost frame,
   * because it is that module which a worker has to import. `undefined` in a
   * notebook cell, the REPL, `deno eval` and standard input.
   */
  readonly module: string | undefined;
  /** The innermost place, for messages. */
  readonly place: string;
}

/** The part of V8's CallSite that is used here; see https://v8.dev/docs/stack-trace-api. */
interface Frame {
  getScriptNameOrSourceURL(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

/** The two properties of V8's Error that decide what a stack looks like. */
interface StackTraceHooks {
  prepareStackTrace: ((error: Error, frames: Frame[]) => unknown) | undefined;
  stackTraceLimit: number;
}

// Lists, as to compile a pattern takes as long as to define a function.
const OF_RUNTIME = ["ext:", "node:", "deno:", "checkin:"];
const IMPORTABLE = ["file:", "https:", "http:", "data:", "blob:"];

function startsWithOne(url: string, beginnings: readonly string[]): boolean {
  for (let i = 0; i < beginnings.length; i++) {
    if (url.startsWith(beginnings[i]!)) return true;
  }
  return false;
}

/** Whether a module URL is one that Deno made up for code without a file; a worker has no main module. */
export function isMadeUp(url: string | undefined): boolean {
  return url !== undefined && url.includes("$deno$") &&
    /\$deno\$[\w-]+(?:\.m?[jt]sx?)?$/.test(url);
}

/**
 * Where `callee` was called from.
 *
 * @param callee The function whose caller is meant; its own frame is left out.
 */
export function callSiteOf(callee: (...args: never[]) => unknown): CallSite {
  const frames = framesAbove(callee).filter((frame) =>
    !startsWithOne(frame.getScriptNameOrSourceURL() ?? "", OF_RUNTIME)
  );
  const outermost = frames.at(-1)?.getScriptNameOrSourceURL() ?? "";
  const module = startsWithOne(outermost, IMPORTABLE) && !isMadeUp(outermost)
    ? outermost
    : undefined;
  const named = frames.find((frame) => frame.getScriptNameOrSourceURL());
  const place = named === undefined || module === undefined
    ? "a cell or an evaluated text"
    : `${named.getScriptNameOrSourceURL()}:${named.getLineNumber()}:${named.getColumnNumber()}`;
  return { module, place };
}

function framesAbove(callee: (...args: never[]) => unknown): Frame[] {
  const errors = Error as unknown as StackTraceHooks;
  const { prepareStackTrace, stackTraceLimit } = errors;
  errors.stackTraceLimit = Infinity;
  errors.prepareStackTrace = (_error, frames) => frames;
  try {
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, callee);
    // The stack is made when it is first read.
    return holder.stack as Frame[];
  } finally {
    errors.prepareStackTrace = prepareStackTrace;
    errors.stackTraceLimit = stackTraceLimit;
  }
}
