/** A program of its own that uses a cache, for the tests; prints one JSON line. */

import { DatabaseSync } from "node:sqlite";
import type { Layout } from "../../lib/cache/folder.ts";
import { JobCache } from "../../lib/cache/job_cache.ts";
import { judge, openStore, recordOf } from "./support.ts";

const [given, task = "", path = "", from = "0", to = "0"] = Deno.args;
const layout = given as Layout;
const numbers = Array.from(
  { length: Number(to) - Number(from) },
  (_, i) => Number(from) + i,
);

switch (task) {
  // Stores records and says what is there afterwards.
  case "store": {
    const store = openStore(path, { layout });
    for (const n of numbers) await store.store(recordOf(n));
    console.log(JSON.stringify(numbers.map((n) => judge(store, n))));
    break;
  }
  // Looks, stores where there was no hit, and looks again.
  case "heal": {
    const store = openStore(path, { layout });
    const answers: unknown[] = [];
    for (const n of numbers) {
      const before = judge(store, n);
      const stored = await store.store(recordOf(n)) !== undefined;
      answers.push([before, stored, judge(store, n)]);
    }
    console.log(JSON.stringify(answers));
    break;
  }
  // Says what is there.
  case "judge":
  case "judge readonly": {
    const store = openStore(path, {
      layout,
      readonly: task === "judge readonly",
    });
    console.log(JSON.stringify(numbers.map((n) => judge(store, n))));
    break;
  }
  // Stores until it is killed, and says so each time.
  case "endless": {
    const store = openStore(path, { layout });
    for (let n = Number(from);; n++) {
      await store.store(recordOf(n));
      console.log(n);
    }
  }
  // Collects what is more than so many bytes, and kills itself as it looks at its signal for the nth time.
  case "collect": {
    await using jobCache = new JobCache({ path, layout });
    const { signal } = new AbortController();
    let looks = 0;
    signal.throwIfAborted = () => {
      if (++looks === Number(to)) Deno.kill(Deno.pid, "SIGKILL");
    };
    await jobCache.gc({ maxSize: Number(from), signal });
    break;
  }
  // Keeps the database for itself until it is told to let go.
  case "hold": {
    using db = new DatabaseSync(`${path}/cache.sqlite`);
    db.exec("BEGIN IMMEDIATE");
    console.log("held");
    await Deno.stdin.read(new Uint8Array(1));
    db.exec("COMMIT");
    break;
  }
}
