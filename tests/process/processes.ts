/** What the tests of process workers share. */

import { temporaryFolder } from "../house/run.ts";

/** A FIFO: who writes to it is heard, and its end is noticed. */
export interface Fifo extends AsyncDisposable {
  readonly path: string;
  /** What was written first. Reads until then. */
  begin(): Promise<string>;
  /** Resolves when nobody has it open for writing any more. */
  end(): Promise<void>;
}

/** Makes a FIFO in a folder of its own. */
export async function makeFifo(): Promise<Fifo> {
  const folder = await temporaryFolder();
  const path = `${folder.path}/fifo`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  let file: Deno.FsFile | undefined;
  return {
    path,
    async begin() {
      file = await Deno.open(path, { read: true });
      const buffer = new Uint8Array(100);
      const length = await file.read(buffer) ?? 0;
      return new TextDecoder().decode(buffer.subarray(0, length));
    },
    async end() {
      while (await file!.read(new Uint8Array(100)) !== null);
    },
    async [Symbol.asyncDispose]() {
      file?.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Whether there is a process of that number that still does something. */
export function isAlive(pid: number | string): boolean {
  try {
    return !/^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** The processes that this one or `parent` has started and that are there, by number. */
export function childrenOf(parent: number = Deno.pid): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = Deno.readTextFileSync(`/proc/${name}/status`);
      if (/^PPid:\s*(\d+)/m.exec(status)?.[1] === String(parent)) {
        found.push(Number(name));
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return found.filter(isAlive);
}
