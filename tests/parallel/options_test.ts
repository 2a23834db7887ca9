import { assertStringIncludes, assertThrows } from "@std/assert";
import * as hi from "../../mod.ts";

for (const name of ["numWorkers", "jobsPerWorker"] as const) {
  for (const value of [0, -1, 2.5, NaN, Infinity]) {
    Deno.test(`${name}: ${value} is refused with name, value and what it must be`, () => {
      const error = assertThrows(
        () => new hi.ParallelJobHandler({ [name]: value }),
        RangeError,
      );
      for (const text of [name, String(value), "whole number"]) {
        assertStringIncludes(error.message, text);
      }
    });
  }
  Deno.test(`${name}: "4" is refused as it is not a number`, () => {
    const error = assertThrows(
      () => new hi.ParallelJobHandler({ [name]: "4" as unknown as number }),
      TypeError,
    );
    for (const text of [name, `"4"`, "must be a number"]) {
      assertStringIncludes(error.message, text);
    }
  });
}

for (const name of ["maxJobsPerWorker", "maxMemoryPerWorker"] as const) {
  Deno.test(`${name} is a whole number, or Infinity`, () => {
    new hi.ParallelJobHandler({ [name]: Infinity });
    for (const value of [0, -1, 2.5, NaN]) {
      const make = () => new hi.ParallelJobHandler({ [name]: value });
      assertThrows(make, RangeError, `"${name}"`);
    }
    const text = { [name]: "1 GB" as unknown as number };
    assertThrows(
      () => new hi.ParallelJobHandler(text),
      TypeError,
      `"${name}" must be a number`,
    );
  });
}

Deno.test("concurrency: 0 is refused", () => {
  assertThrows(
    () => new hi.DefaultJobHandler({ concurrency: 0 }),
    RangeError,
    `"concurrency"`,
  );
});

for (const Handler of [hi.ParallelJobHandler, hi.DefaultJobHandler]) {
  const make = (options: unknown) => () =>
    new Handler(options as Record<never, never>);

  Deno.test(`an option that ${Handler.name} does not have is refused, with those that it has`, () => {
    for (const name of ["workers", "concurency"]) {
      const error = assertThrows(make({ [name]: 2 }), TypeError);
      const has = Handler === hi.DefaultJobHandler
        ? ["concurrency"]
        : ["numWorkers", "jobsPerWorker"];
      for (const text of [Handler.name, `no option ${name}`, ...has]) {
        assertStringIncludes(error.message, text);
      }
    }
  });

  Deno.test(`options of ${Handler.name} that are no object are refused`, () => {
    for (const options of [null, 4, "4"]) {
      assertThrows(make(options), TypeError, "must be an object");
    }
  });
}
