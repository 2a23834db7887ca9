/** A limit that several programs keep together, watched from outside. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { stdArguments } from "../house/run.ts";
import { bytesIn, makeFolder, testBoth } from "./support.ts";
import { JobCache } from "../../lib/cache/job_cache.ts";

const CHILD = fromFileUrl(new URL("limit_child.ts", import.meta.url));

const MAX_SIZE = 3_000_000;

testBoth(
  "Three programs that store at once keep a cache within maxSize at every moment",
  async (layout) => {
    await using folder = await makeFolder();
    const { path } = folder;
    await using _cache = new JobCache({ path, layout });
    using _ = { [Symbol.dispose]: () => {} };
    const children = ["1", "2", "3"].map((who) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--quiet",
          ...stdArguments(),
          CHILD,
          layout,
          path,
          `${MAX_SIZE}`,
          who,
          "1200",
        ],
        stderr: "inherit",
      }).spawn()
    );
    let running = true;
    const ended = Promise.all(children.map((child) => child.status))
      .finally(() => running = false);
    let most = 0, looks = 0, sum = 0;
    while (running) {
      try {
        const bytes = bytesIn(path, layout);
        most = Math.max(most, bytes);
        sum += bytes;
        looks++;
      } catch { /* not there yet, or went as it was looked at */ }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log(
      layout,
      most / MAX_SIZE,
      looks,
      sum / looks / MAX_SIZE,
      bytesIn(path, layout) / MAX_SIZE,
    );
    for (const { code } of await ended) assertEquals(code, 0);
    assert(most <= MAX_SIZE, `${most} bytes`);
  },
);
