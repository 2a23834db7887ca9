import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

const CHILD = fromFileUrl(new URL("pipeline_child.ts", import.meta.url));

Deno.test({
  name: "a cached pipeline with large intermediates reads next to nothing",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await temporaryFolder();
    const run = async (): Promise<[number, number, number]> => {
      const { code, stdout, stderr } = await deno([
        "run",
        "-A",
        "-q",
        ...stdArguments(),
        CHILD,
        `${folder.path}/cache`,
        String(8_000_000),
      ]);
      assertEquals([code, stderr], [0, ""]);
      return JSON.parse(stdout);
    };
    const [misses, , sum] = await run();
    assertEquals([misses, sum], [10, 1e6 * (1e6 - 1) / 2 + 36e6]);
    const [missesAgain, bytes, sumAgain] = await run();
    assertEquals([missesAgain, sumAgain], [0, sum]);
    assert(bytes < 100_000, `${bytes} bytes were read`);
  },
});
