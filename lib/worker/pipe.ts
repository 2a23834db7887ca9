/**
 * The pipe between a process that runs jobs and whoever started it: frames both
 * ways, read and written synchronously.
 *
 * @module
 */

import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import type { EncodedValue } from "../value/encoded.ts";
import type { ProcessSandbox } from "./sandbox.ts";

/**
 * Where the pipe is. `"stdio"`: standard input and output. `"3,4"`: the
 * descriptors 3 and 4, so that nothing that a job starts or writes comes in between.
 */
export type PipePlace = "stdio" | "3,4";

/** What reads. */
interface Source {
  readSync(into: Uint8Array): number | null;
}

/** What writes. */
interface Sink {
  writeSync(bytes: Uint8Array): number;
}

const INPUT = "/dev/fd/3";
const OUTPUT = "/dev/fd/4";

/** The paths without which a process with its pipe at `"3,4"` could not begin; it gives the permission for them back. */
export const PIPE_PATHS = { read: INPUT, write: OUTPUT } as const;

/** The side that reads. */
export function openInput(place: PipePlace): Source {
  return place === "stdio" ? Deno.stdin : Deno.openSync(INPUT, { read: true });
}

/** The side that writes; from now on nobody else does. */
export function openOutput(place: PipePlace): Sink {
  if (place !== "stdio") return Deno.openSync(OUTPUT, { write: true });
  const output = Deno.stdout;
  Object.defineProperty(Deno, "stdout", {
    value: Deno.stderr,
    configurable: true,
  });
  return output;
}

/** Gives back what only the pipe was for, where the process has no more than that; or what it is told to. */
export function dropPermissions(
  place: PipePlace,
  told: ProcessSandbox | undefined,
): void {
  if (told !== undefined) {
    for (const descriptor of told.drop) Deno.permissions.revokeSync(descriptor);
    return;
  }
  if (place === "stdio") return;
  for (
    const descriptor of [
      { name: "read", path: INPUT },
      { name: "write", path: OUTPUT },
    ] as const
  ) {
    const whole = Deno.permissions.querySync({ name: descriptor.name });
    if (whole.state !== "granted") Deno.permissions.revokeSync(descriptor);
  }
}

/** Reads messages, one after the other. */
export class MessageSource {
  readonly #source: Source;
  readonly #frames = new FrameReader();

  /** Makes one that reads from `source`. */
  constructor(source: Source) {
    this.#source = source;
  }

  /** The next message, as a {@linkcode FrameReader} gives it; `undefined` at the end of the pipe. Waits for it. */
  next(): object | undefined {
    while (true) {
      const message = this.#frames.next();
      if (message !== undefined) return message;
      const space = this.#frames.space();
      const read = again(() => this.#source.readSync(space));
      if (read === null) return undefined;
      this.#frames.filled(space.subarray(0, read));
    }
  }
}

/** Writes messages, each in one piece, for the threads that share `lock`. */
export class MessageSink {
  readonly #sink: Sink;
  readonly #frames = new FrameWriter();
  readonly #lock: Int32Array<SharedArrayBuffer>;

  /** Makes one that writes to `sink`; the lock is one cell. */
  constructor(sink: Sink, lock: SharedArrayBuffer) {
    this.#sink = sink;
    this.#lock = new Int32Array(lock);
  }

  /** Writes a message; waits as long as the other side does not read. */
  write(message: object): void {
    this.#writeAll(this.#frames.write(message));
  }

  /** Writes a result of a few bytes; `false` if it has to travel as any other message. */
  writeResult(
    task: number,
    value: EncodedValue,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
  ): boolean {
    const frame = this.#frames.result(
      task,
      value,
      contribution,
      startedAt,
      duration,
    );
    if (frame === undefined) return false;
    this.#writeAll([frame]);
    return true;
  }

  /** Writes how far a chunk is. */
  writeStage(chunk: number, stage: "begins" | "ends"): void {
    this.#writeAll([this.#frames.stage(chunk, stage)]);
  }

  #writeAll(pieces: readonly Uint8Array[]): void {
    this.#take();
    try {
      for (const piece of pieces) {
        for (let at = 0; at < piece.byteLength;) {
          const rest = piece.subarray(at);
          at += again(() => this.#sink.writeSync(rest));
        }
      }
    } finally {
      this.#release();
    }
  }

  /** As in Drepper, "Futexes are tricky": nobody is called where nobody waits. */
  #take(): void {
    if (Atomics.compareExchange(this.#lock, 0, FREE, TAKEN) === FREE) return;
    while (Atomics.exchange(this.#lock, 0, AWAITED) !== FREE) {
      Atomics.wait(this.#lock, 0, AWAITED);
    }
  }

  #release(): void {
    if (Atomics.exchange(this.#lock, 0, FREE) === AWAITED) {
      Atomics.notify(this.#lock, 0, 1);
    }
  }
}

const FREE = 0;
const TAKEN = 1;
/** As `TAKEN`, and somebody may wait for it. */
const AWAITED = 2;

/** Does what a signal has interrupted again. */
function again<T>(call: () => T): T {
  while (true) {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof Deno.errors.Interrupted)) throw error;
    }
  }
}
