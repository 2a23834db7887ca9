/** What the tests of upstreams share: functions that count their runs, caches of results of theirs, servers of static files. */

import * as hi from "@hither/hither";
import { makeFolder } from "./support.ts";

/** How often functions were called. */
export const calls = { count: 0 };

/** Gives a small result. */
export const twice = hi.func("upstream_twice", "1", (x: number) => {
  calls.count++;
  return 2 * x;
});

/** Gives a large result, which is a blob. */
export const large = hi.func("upstream_large", "1", (x: number) => {
  calls.count++;
  return new Float64Array(10_000).fill(x);
});

/** Takes a large one. */
export const total = hi.func("upstream_total", "1", (values: Float64Array) => {
  calls.count++;
  return values.reduce((sum, value) => sum + value, 0);
});

/** Takes another one. */
export const first = hi.func("upstream_first", "1", (values: Float64Array) => {
  calls.count++;
  return values[0]!;
});

/** Fails. */
export const fails = hi.func("upstream_fails", "1", (message: string) => {
  calls.count++;
  throw new RangeError(message);
});

/** Writes a file. */
export const writes = hi.func("upstream_writes", "1", (path: string) => {
  calls.count++;
  Deno.writeTextFileSync(path, "written by a job");
  return hi.file(path);
});

/** Writes a long file. */
export const writesLong = hi.func(
  "upstream_writes_long",
  "1",
  (path: string, x: number) => {
    calls.count++;
    Deno.writeTextFileSync(path, `${x} `.repeat(30_000));
    return hi.file(path);
  },
);

/** How many functions were called meanwhile. */
export async function callsOf(body: () => Promise<unknown>): Promise<number> {
  const before = calls.count;
  await body();
  return calls.count - before;
}

/** The kinds of places that a cache can read through. */
export type Kind = "sqlite" | "files" | "server";
export const KINDS: readonly Kind[] = ["sqlite", "files", "server"];

/** A published cache: its folder, and what to give as an upstream. */
export interface Published extends AsyncDisposable {
  readonly path: string;
  readonly upstream: string;
  /** The paths that were asked for, where there is a server. */
  readonly asked: string[];
}

/** Fills a cache by running jobs in it, and publishes it. */
export async function publish(
  kind: Kind,
  fill: () => Promise<unknown>,
): Promise<Published> {
  const folder = await makeFolder();
  const path = `${folder.path}/cache`;
  const layout = kind === "sqlite" ? "sqlite" : "files";
  {
    await using jobCache = new hi.JobCache({ path, layout });
    await hi.config({ jobCache, cacheFailing: true }, fill);
  }
  const server = kind === "server" ? serve(path) : undefined;
  return {
    path,
    upstream: server?.url ?? path,
    asked: server?.asked ?? [],
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** What a server answers with in the place of a file. */
export type Answer = (
  path: string,
  request: Request,
) => Response | undefined | Promise<Response | undefined>;

/** Serves the files of a folder on a free port of this machine. */
export function serve(folder: string, answer: Answer = () => undefined) {
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      asked.push(path);
      const given = await answer(path, request);
      if (given !== undefined) return given;
      try {
        return new Response(await Deno.readFile(`${folder}/${path}`));
      } catch {
        return new Response("nothing here", { status: 404 });
      }
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs jobs with a new cache in front of upstreams. */
export async function readThrough<T>(
  upstream: NonNullable<hi.JobCacheOptions["upstream"]>,
  body: (jobCache: hi.JobCache) => Promise<T>,
  options: hi.JobCacheOptions = {},
): Promise<T> {
  await using folder = await makeFolder();
  await using jobCache = new hi.JobCache({
    path: `${folder.path}/cache`,
    upstream,
    ...options,
  });
  return await hi.config({ jobCache }, () => body(jobCache));
}

/** All files and folders of a folder, with their sizes and times. */
export function listing(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    const { size, mtime } = Deno.lstatSync(path);
    const line = `${path} ${size} ${mtime?.getTime()}`;
    return entry.isDirectory ? [line, ...listing(path)] : [line];
  }).sort();
}

/** The only file below a folder of the portable layout, or the one of a digest. */
export function fileIn(folder: string, digest?: string): string {
  if (digest !== undefined) {
    return `${folder}/${digest.slice(0, 2)}/${digest.slice(2)}`;
  }
  const [shard] = [...Deno.readDirSync(folder)];
  const [file] = [...Deno.readDirSync(`${folder}/${shard!.name}`)];
  return `${folder}/${shard!.name}/${file!.name}`;
}

/** Flips a bit of a file. */
export function damage(path: string, at = 20): void {
  const bytes = Deno.readFileSync(path);
  bytes[at]! ^= 1;
  Deno.writeFileSync(path, bytes);
}
