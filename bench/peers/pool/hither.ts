/**
 * The project's pool. Its variants:
 *
 * - `plain`: `.run()`, in web workers
 * - `moved`: the caller gives the array away
 * - `shared`, `process shared`: an array that many jobs take is shared by `hi.share`
 * - `process`: the same as `plain` in processes
 * - `plain map`, `process map`: `hi.map`
 *
 * `deno run hither.ts variants` prints those that there are.
 */

import * as hi from "@hither/hither";
import { drive } from "./driver.mjs";
import { burn, doubled, nap, square, touched } from "./tasks.mjs";

const functions: Record<string, hi.HitherFunction<[never], unknown>> = {
  square: hi.func("peers_square", "1", (x: number) => square(x)),
  nap: hi.func("peers_nap", "1", (ms: number) => nap(ms)),
  burn: hi.func("peers_burn", "1", (steps: number) => burn(steps)),
  doubled: hi.func("peers_doubled", "1", (array: Float64Array) => {
    return hi.transfer(doubled(array));
  }),
  touched: hi.func(
    "peers_touched",
    "1",
    (argument: { array: Float64Array; i: number }) => touched(argument),
  ),
};

/** Results of `fn` for `items`, as they come. */
type Map = (
  fn: hi.HitherFunction<[never], unknown>,
  items: Iterable<unknown>,
  options: { ordered: boolean },
) => AsyncIterable<unknown>;

const { map } = hi as unknown as { map?: Map };

function open(numWorkers: number, variant: string) {
  const jobHandler = handlerOf(numWorkers, variant);
  hi.setDefaults({ jobHandler, jobCache: null });
  return {
    run: (task: string, argument: never) =>
      functions[task]!.run(
        variant === "moved"
          ? hi.transfer(argument)
          : variant.endsWith("shared")
          ? withShared(argument) as never
          : argument,
      ),
    ...(variant.endsWith("map")
      ? {
        all: (task: string, items: unknown[]) =>
          Array.fromAsync(map!(functions[task]!, items, { ordered: true })),
      }
      : {}),
    close: () => jobHandler[Symbol.asyncDispose](),
  };
}

const copies = new Map<Float64Array, Float64Array>();

/** The same argument, with the shared copy of its array. */
function withShared(
  argument: number | { array: Float64Array; i: number },
): typeof argument {
  if (typeof argument === "number") return argument;
  const { array, i } = argument;
  return { array: copies.getOrInsertComputed(array, hi.share), i };
}

function handlerOf(numWorkers: number, variant: string) {
  const isolation = variant.startsWith("process") ? "process" : undefined;
  return new hi.ParallelJobHandler({
    numWorkers,
    ...(isolation === undefined ? {} : { isolation }),
  });
}

async function variants(): Promise<string[]> {
  const isolations = ["plain"];
  try {
    await handlerOf(1, "process")[Symbol.asyncDispose]();
    isolations.push("process");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return [
    "moved",
    "shared",
    ...(isolations.includes("process") ? ["process shared"] : []),
    ...isolations.flatMap((isolation) =>
      map === undefined ? [isolation] : [isolation, `${isolation} map`]
    ),
  ];
}

if (import.meta.main) {
  if (Deno.args[0] === "variants") {
    console.log(JSON.stringify(await variants()));
  } else await drive(open);
}
