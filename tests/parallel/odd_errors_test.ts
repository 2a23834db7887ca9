import { assertInstanceOf, assertStringIncludes } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/functions.ts";
import { failureOf, inPool } from "./pool.ts";

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
