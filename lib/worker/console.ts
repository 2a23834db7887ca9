/**
 * What jobs print. Each job has a console of its own; the global one passes on
 * to it what is printed inside of a job.
 *
 * @module
 */

import { runningJob } from "../current.ts";
import { isIdleWorker } from "../role.ts";
import { CONSOLE_LIMIT, type ConsoleLine } from "../task.ts";
import defer * as nodeConsole from "node:console";

/** Takes one piece of text that a job printed. */
export type Print = (stream: ConsoleLine["stream"], text: string) => void;

type Method = (...args: unknown[]) => void;
type MethodName = typeof METHODS[number];

const METHODS = [
  "log",
  "info",
  "debug",
  "error",
  "warn",
  "trace",
  "assert",
  "dir",
  "dirxml",
  "table",
  "group",
  "groupCollapsed",
  "groupEnd",
  "count",
  "countReset",
  "time",
  "timeLog",
  "timeEnd",
  "clear",
] as const;

const STREAMS: Readonly<Partial<Record<MethodName, ConsoleLine["stream"]>>> = {
  log: "stdout",
  info: "stdout",
  debug: "stdout",
  error: "stderr",
  warn: "stderr",
};

// What the program's own console did before jobs had consoles: the one piece of
// global state here, since there is one global console.
const original = new Map<MethodName, Method>();

/** A console that hands the text it prints to `print`. */
export function makeConsole(print: Print): Console {
  let full: Console | undefined;
  let depth = 0;
  // `Console` of Node does the formatting; it loads when a job prints more than a plain string.
  const console = (): Console =>
    full ??= new nodeConsole.Console(
      {
        stdout: sink("stdout", print),
        stderr: sink("stderr", print),
      } as unknown as ConstructorParameters<typeof nodeConsole.Console>[0],
    );

  const methods: Record<string, Method> = {};
  for (const name of METHODS) {
    const stream = STREAMS[name];
    methods[name] = stream === undefined
      ? (...args) => (console()[name] as Method)(...args)
      : (...args) => {
        if (depth === 0 && args.length === 1 && typeof args[0] === "string") {
          print(stream, args[0] + "\n");
        } else {
          (console()[name] as Method)(...args);
        }
      };
  }
  const { group, groupEnd } = methods as Record<MethodName, Method>;
  methods.group = methods.groupCollapsed = (...args) => {
    depth++;
    group(...args);
  };
  methods.groupEnd = () => {
    if (depth > 0) depth--;
    groupEnd();
  };
  return methods as unknown as Console;
}

/** As much of a stream as a console needs. */
function sink(stream: ConsoleLine["stream"], print: Print): object {
  const none = (): void => {};
  return {
    write(text: string): boolean {
      print(stream, text);
      return true;
    },
    on: none,
    once: none,
    off: none,
    removeListener: none,
    listenerCount: (): number => 0,
  };
}

/**
 * Makes the global console pass on what is printed inside of a job. Outside of
 * one it prints as before; in a worker that is what a script prints while it
 * is imported, which its program has printed already, so it is dropped.
 */
export function installConsole(): void {
  if (original.size > 0) return;
  for (const name of METHODS) {
    const method = globalThis.console[name].bind(globalThis.console) as Method;
    original.set(name, method);
    globalThis.console[name] = (...args: unknown[]): void => {
      const job = runningJob();
      if (job !== undefined) (job.console[name] as Method)(...args);
      else if (!isIdleWorker()) method(...args);
    };
  }
}

/** Shows text of a job on the program's own console, each line after `prefix`. */
export function showLive(line: ConsoleLine, prefix = ""): void {
  const name = line.stream === "stdout" ? "log" : "error";
  const write: Method = original.get(name) ?? globalThis.console[name];
  let text = line.text.endsWith("\n") ? line.text.slice(0, -1) : line.text;
  if (prefix !== "") text = prefix + text.replaceAll("\n", "\n" + prefix);
  write(text);
}

/** What is kept of a job's console: the first {@linkcode CONSOLE_LIMIT} units of text. */
export class ConsoleRecord {
  readonly #lines: ConsoleLine[] = [];
  #length = 0;
  #dropped = 0;

  /** Keeps a line, if there is room. */
  add(line: ConsoleLine): void {
    const room = CONSOLE_LIMIT - this.#length;
    if (line.text.length <= room) {
      this.#lines.push(line);
      this.#length += line.text.length;
      return;
    }
    if (room > 0) {
      this.#lines.push({ ...line, text: line.text.slice(0, room) });
      this.#length = CONSOLE_LIMIT;
    }
    this.#dropped += line.text.length - room;
  }

  /** The lines, and one more that says how much was dropped. */
  lines(): ConsoleLine[] {
    if (this.#dropped === 0) return this.#lines;
    const text =
      `[${this.#dropped} more characters were printed and not kept]\n`;
    return [...this.#lines, { stream: "stderr", text, time: Date.now() }];
  }
}
