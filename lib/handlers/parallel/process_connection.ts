/**
 * A process of its own for jobs, on this machine.
 *
 * @module
 */

import { errorText } from "../../error_text.ts";
import { repeatedLeaves } from "../../value/repeated_leaves.ts";
import { warnOnce } from "../../warn.ts";
import { FrameReader } from "../../worker/frame_reader.ts";
import { FrameWriter } from "../../worker/frame_writer.ts";
import type { ToWorker } from "../../worker/protocol.ts";
import { QuickResult } from "../../worker/results.ts";
import { SentMemory } from "../../worker/sent_memory.ts";
import type { Connection, ConnectionOwner, Needs } from "./connection.ts";
import { limitMemory } from "./memory_limit.ts";
import { launchOf } from "./process_launch.ts";
import { LastWords } from "./last_words.ts";

export { missingFlag } from "./process_launch.ts";
export { sandboxNeeds } from "./sandbox_needs.ts";

/** How long a process that has ended is read from: one that a job has started may keep its pipes open. In ms. */
const LAST_READ = 50;

/** After so many microtasks a program that awaits one job after the other has submitted the next. */
const SOON = 12;

const MIB = 2 ** 20;

/** A process, and the pipe to it. */
export class ProcessConnection implements Connection {
  readonly isolation = "process";
  readonly sharesMemory = false;
  /** Not where a Task would find its memory taken up by what others left. */
  readonly sharesLeaves: boolean;
  readonly holdsProgram = false;
  readonly #owner: ConnectionOwner;
  readonly #needs: Needs;
  readonly #denoArgs: string;
  readonly #memory: number | undefined;
  readonly #sandbox: string | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamBYOBReader;
  readonly #frames = new FrameWriter();
  readonly #sent: SentMemory;
  readonly #words: LastWords;
  readonly #gone: Promise<void>;
  /** What is to be sent once the memory is limited. */
  #held: Uint8Array[] | undefined;
  #ended = false;
  #failure: string | undefined;

  /**
   * Starts a process for Tasks with these needs.
   *
   * @throws if it cannot be started.
   */
  constructor(owner: ConnectionOwner, needs: Needs) {
    const { memory, denoArgs, sandbox } = needs;
    this.#owner = owner;
    this.#needs = needs;
    this.#memory = memory;
    this.sharesLeaves = memory === undefined;
    this.#sent = new SentMemory(
      { copies: true, keeps: memory === undefined },
      (views, bytes) => this.post({ type: "forget", views, bytes }),
    );
    this.#sandbox = sandbox?.id;
    this.#denoArgs = JSON.stringify(denoArgs);
    const heap = memory && Math.max(1, Math.ceil(memory / MIB));
    const { command, args } = launchOf(denoArgs, heap, sandbox);
    this.#child = new Deno.Command(command, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.getReader({ mode: "byob" });
    // Whatever the reason: the process has ended, and that is told by its status.
    this.#input.closed.catch(() => {});
    this.#words = new LastWords(this.#child.stderr);
    if (memory !== undefined) this.#held = [];
    const read = this.#read();
    this.#gone = this.#child.status.then((status) => this.#end(status, read));
  }

  suits(needs: Needs): boolean {
    if (needs === this.#needs) return true;
    const { isolation, memory, denoArgs, sandbox } = needs;
    return isolation === this.isolation && memory === this.#memory &&
      sandbox?.id === this.#sandbox &&
      JSON.stringify(denoArgs) === this.#denoArgs;
  }

  post(message: ToWorker): void {
    const hadKept = this.#frames.hasKept;
    const pieces = this.#frames.write(
      message.type === "begin"
        ? { ...message, flags: undefined, cells: cellsOf(message.flags) }
        : this.#sent.pack(message),
    );
    if (message.type !== "begin" && this.#held !== undefined) {
      this.#held.push(...pieces);
    } else this.#write(pieces);
    if (!hadKept && this.#frames.hasKept) {
      repeatedLeaves.whenCleared(() => this.#forget());
    }
  }

  /** Tells the process that no job has what it keeps. */
  #forget(): void {
    this.#frames.forgotten();
    this.post({ type: "forget" });
  }

  hold(busy: boolean): void {
    if (busy) this.#child.ref();
    else this.#child.unref();
  }

  end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      // A program that disposes its handler waits until nothing is left of it.
      this.#child.ref();
      this.#kill();
    }
    return this.#gone;
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }

  #write(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.#input.write(piece).catch(() => {});
  }

  async #read(): Promise<void> {
    const frames = new FrameReader();
    try {
      while (true) {
        let hasResults = false;
        for (
          let message = frames.next();
          message !== undefined;
          message = frames.next()
        ) {
          if (this.#ended) continue;
          if (message instanceof QuickResult) {
            this.#owner.result(message);
            hasResults = true;
          } else this.#receive(message);
        }
        if (hasResults) this.#owner.resultsRead();
        // Who has waited for these may have more: that goes out before this reads on.
        for (let i = 0; i < SOON; i++) await undefined;
        const { value, done } = await this.#output.read(frames.space());
        if (done) return;
        frames.filled(value);
      }
    } catch (error) {
      this.#failure ??= errorText(error);
      this.#kill();
    }
  }

  #receive(message: object): void {
    if (
      this.#held !== undefined && "type" in message && message.type === "hello"
    ) {
      limitMemory(this.#child.pid, this.#memory!).then((why) => {
        if (why !== undefined) {
          warnOnce(
            "memory",
            `the memory of jobs is limited as to the objects of JavaScript alone, and not as to their binary data: ${why}`,
          );
        }
        const held = this.#held!;
        this.#held = undefined;
        this.#write(held);
      });
    }
    this.#owner.received(message);
  }

  async #end(
    { code, signal }: Deno.CommandStatus,
    read: Promise<void>,
  ): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      Promise.all([read, this.#words.complete]),
      new Promise((resolve) => timer = setTimeout(resolve, LAST_READ)),
    ]);
    clearTimeout(timer);
    this.#words.stop();
    this.#output.cancel().catch(() => {});
    if (this.#ended) return;
    this.#ended = true;
    const how = this.#failure ??
      (signal === null
        ? `the process ended with exit code ${code}`
        : `the process was ended by ${signal}`);
    const said = this.#words.text();
    this.#owner.lost({
      reason: said === "" ? how : `${how}, and said:\n${said}`,
      outOfMemory: OUT_OF_MEMORY.test(said),
      killed: signal !== null,
    });
  }
}

/** What V8 and Deno say when they get no more memory. */
const OUT_OF_MEMORY =
  /out of memory|memory allocation of \d+ bytes failed|allocation failed/i;

function cellsOf(flags: SharedArrayBuffer | undefined): number {
  return (flags?.byteLength ?? 0) / Int32Array.BYTES_PER_ELEMENT;
}
