import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { ROOT } from "./run.ts";

Deno.test("records name the version of the package", async () => {
  const text = await Deno.readTextFile(`${ROOT}/lib/cache/host.ts`);
  const [, version] = /HITHER_VERSION = "([^"]+)"/.exec(text) ?? [];
  assertEquals(version, config.version);
});
