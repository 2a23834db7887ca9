import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/functions.ts";
import { failureOf, inPool, runProgram } from "./pool.ts";

const ODD: Record<string, { value: string; says: string }> = {
  "an object without a prototype": {
    value: "Object.create(null)",
    says: "[Object: null prototype]",
  },
  "an error whose toString is no function": {
    value: `Object.assign(new RangeError("known"), { toString: 1 })`,
    says: "known",
  },
  "an error whose message has no text": {
    value: `Object.assign(new RangeError(), { message: Object.create(null) })`,
    says: "RangeError",
  },
};

for (const [what, { value, says }] of Object.entries(ODD)) {
  Deno.test(`a module that throws ${what} cannot be imported, and the error says so`, () =>
    inPool({ numWorkers: 1 }, async () => {
      await using folder = await temporaryFolder({
        "odd.ts": `throw ${value};`,
      });
      const module = new URL(`file://${folder.path}/odd.ts`).href;
      const lost = hi.func("odd_module", folder.path, () => 1, { module });
      const failure = await failureOf(lost.run());
      assertInstanceOf(failure, hi.ModuleLoadError);
      assertStringIncludes(failure.message, says);
    }));

  for (const how of ["rejects", "throws"] as const) {
    Deno.test(`something that a job started ${how} ${what}, and the job fails`, () =>
      inPool({ numWorkers: 1 }, async () => {
        const failure = await failureOf(f.failsOddly.run(how, value));
        assertInstanceOf(failure, hi.StrayError);
        assertStringIncludes(failure.message, says);
      }));
  }
}

for (
  const [where, handler] of [
    ["worker", "new hi.ParallelJobHandler({ numWorkers: 1 })"],
    [
      "process",
      'new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" })',
    ],
    ["the program", "new hi.DefaultJobHandler()"],
  ]
) {
  Deno.test(`what cannot be looked at, as a Proxy, fails the job that throws or returns it, and that job alone (${where})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const closed = () => {
          const { proxy, revoke } = Proxy.revocable({}, {});
          revoke();
          return proxy;
        };
        const ways = {
          throws() { throw closed(); },
          returns: closed,
          rejects: () => Promise.reject(closed()),
          inherits() { throw Object.setPrototypeOf(new Error("inherits"), new Proxy({}, {
            getPrototypeOf() { throw new Error("nobody looks"); },
          })); },
        };
        const odd = hi.func("odd", "1", (way: keyof typeof ways) => ways[way]());
        const add = hi.func("add", "1", (x: number) => x + 1);
        if (import.meta.main) {
          await using jobHandler = ${handler};
          await hi.config({ jobHandler, jobCache: null }, async () => {
            for (const way of ["throws", "returns", "rejects", "inherits"] as const) {
              const job = odd.run(way);
              const [ended] = await Promise.allSettled([job]);
              console.log(way, ended.status, job.status, ended.reason instanceof Error, await add.run(1));
            }
          });
        }
      `,
    });
    assertEquals([code, stdout, stderr], [
      0,
      ["throws", "returns", "rejects", "inherits"]
        .map((way) => `${way} rejected error true 2\n`).join(""),
      "",
    ]);
  });
}
