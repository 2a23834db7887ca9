// A loop over what is there already has turns of the event loop in between.
import { assert, assertRejects } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";

const addsOne = hi.func("turn_adds_one", "1", (x: number) => x + 1);

/** More than any of these loops is to come to. */
const MANY = 1_000_000;

function* numbers(): Generator<number> {
  for (let i = 0; i < MANY; i++) yield i % 100;
}

for (const what of ["hits", "jobs of this thread"]) {
  const inLoops = async (body: () => Promise<void>) => {
    await using folder = await temporaryFolder({});
    await using jobCache = new hi.JobCache({ path: folder.path });
    await hi.config(
      { jobCache: what === "hits" ? jobCache : null },
      async () => {
        await Promise.all(addsOne.map([...Array(100).keys()]));
        await body();
      },
    );
  };

  Deno.test(`a timer comes in between ${what} that are awaited one after the other`, () =>
    inLoops(async () => {
      let hasCome = false;
      const timer = setTimeout(() => hasCome = true, 5);
      for (const x of numbers()) {
        await addsOne.run(x);
        if (hasCome) break;
      }
      clearTimeout(timer);
      assert(hasCome);
    }));

  Deno.test(`a signal ends hi.map over ${what}`, () =>
    inLoops(async () => {
      const cancel = new AbortController();
      const timer = setTimeout(() => cancel.abort(new Error("enough")), 5);
      await assertRejects(
        async () => {
          const { signal } = cancel;
          for await (const _ of hi.map(addsOne, numbers(), { signal }));
        },
        Error,
        "enough",
      );
      clearTimeout(timer);
    }));
}
