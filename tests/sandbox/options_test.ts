import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as hi from "../../mod.ts";
import { pure } from "./fixtures/functions.ts";

type Given = hi.Options["permissions"];

for (
  const [given, part] of [
    ["all", `permissions must be "none", "inherit", an object of permissions`],
    [3, "permissions must be"],
    [["read"], "permissions must be"],
    [{ files: true }, "permissions must have names among read, write, net"],
    [
      { read: "./data" },
      `permissions.read must be true, false, "inherit" or a list: current value is "./data"`,
    ],
    [
      { read: [3] },
      "permissions.read[0] must be a path or a file: URL: current value is 3",
    ],
    [{ read: ["a", ""] }, "permissions.read[1] must be a path"],
    [
      { read: [new URL("https://a.b/c")] },
      "permissions.read[0] must be a path",
    ],
    [{ write: null }, "permissions.write must be"],
    [{ net: ["https://a.b"] }, "permissions.net[0] must be a host"],
    [{ net: ["a.b/c"] }, "permissions.net[0] must be a host"],
    [{ import: [":80"] }, "permissions.import[0] must be a host"],
    [{ env: ["A=B"] }, "permissions.env[0] must be the name of a variable"],
    [{ sys: ["nothing"] }, "permissions.sys[0] must be a kind that Deno knows"],
    [{ env: [""] }, "permissions.env[0] must be the name of a variable"],
  ] as const
) {
  Deno.test(`permissions as ${Deno.inspect(given)} are refused where they are given, with the place`, () => {
    const permissions = given as unknown as Given;
    const options = { permissions } as hi.Options;
    for (
      const give of [
        () => pure.with(options),
        () => hi.setDefaults(options),
        () => hi.func("sandbox_refused", "1", () => 1, options),
      ]
    ) {
      const error = assertThrows(give, TypeError);
      assertStringIncludes(error.message, part);
    }
  });
}

Deno.test("permissions of all kinds are taken, in a function's options, by with and by config", async () => {
  const permissions: hi.PermissionOptions = {
    read: ["./data", new URL("./data", import.meta.url)],
    write: false,
    net: ["api.example.org:443", "*.example.org", "[::1]:80", "10.0.0.1"],
    env: ["HOME", "AWS_*"],
    run: ["deno", "/bin/ls", new URL("file:///bin/ls")],
    ffi: undefined,
    sys: ["hostname", "osRelease"],
    import: ["jsr.io:443"],
  };
  hi.func("sandbox_options_taken", "1", () => 1, { permissions });
  pure.with({ permissions }).with({ permissions: "none" });
  for (const given of [permissions, "none", "inherit", null] as const) {
    assertEquals(await hi.config({ permissions: given }, () => 1), 1);
  }
});
