/**
 * A web worker of this process.
 *
 * @module
 */

import { canUnref, setRef } from "../../worker_ref.ts";
import { OutputGate } from "../../worker/output.ts";
import type { FromWorker, ToWorker } from "../../worker/protocol.ts";
import { SentMemory } from "../../worker/sent_memory.ts";
import { sandboxEntry } from "../../worker/sandbox.ts";
import type { Connection, ConnectionOwner, Needs } from "./connection.ts";

/** The module with which a web worker begins. */
const ENTRY: URL = new URL("../../worker/web_worker.ts", import.meta.url);

/** A web worker of this process, in a thread of its own. */
export class WebConnection implements Connection {
  readonly isolation = "worker";
  readonly sharesMemory = true;
  readonly sharesLeaves = true;
  readonly holdsProgram = !canUnref;
  readonly #worker: Worker;
  readonly #sandbox: string | undefined;
  readonly #gate = new OutputGate();
  readonly #sent = new SentMemory(
    { copies: false, keeps: true },
    (views, bytes) => this.post({ type: "forget", views, bytes }, []),
  );

  /**
   * Starts a web worker for Tasks with these needs.
   *
   * @throws {Deno.errors.NotCapable} if it could not read its own file.
   */
  constructor(owner: ConnectionOwner, { sandbox }: Needs) {
    checkPermission();
    this.#sandbox = sandbox?.id;
    this.#worker = sandbox === undefined
      ? new Worker(ENTRY, { type: "module", name: "hither" })
      : new Worker(sandboxEntry(ENTRY, sandbox.imports), {
        type: "module",
        name: "hither",
        deno: { permissions: sandbox.permissions },
      } as WorkerOptions);
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      const type = data?.type;
      if (type === "event" || type === "warning") this.#gate.leave();
      owner.received(data);
    };
    this.#worker.onerror = (event) => {
      // Otherwise the program would end.
      event.preventDefault();
      owner.lost({ reason: event.message });
    };
    this.#worker.onmessageerror = () =>
      owner.lost({ reason: "a message could not be read" });
  }

  suits({ isolation, sandbox }: Needs): boolean {
    return isolation === this.isolation && sandbox?.id === this.#sandbox;
  }

  post(message: ToWorker, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(
      message.type === "begin"
        ? { ...message, output: this.#gate.buffer }
        : this.#sent.pack(message),
      transfer,
    );
  }

  hold(busy: boolean): void {
    setRef(this.#worker, busy);
  }

  end(): undefined {
    this.#worker.onmessage = null;
    this.#gate.open();
    // A busy worker goes on computing, but nobody waits for it.
    setRef(this.#worker, false);
    this.#worker.terminate();
  }
}

/** Asks before a worker is started: Deno prints by itself what goes wrong in one. */
function checkPermission(): void {
  if (ENTRY.protocol !== "file:") return;
  const read = { name: "read", path: ENTRY } as const;
  if (Deno.permissions.querySync(read).state === "granted") return;
  if (Deno.permissions.requestSync(read).state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires read access to ${ENTRY}, run again with the --allow-read flag`,
  );
}
