/**
 * Checks what tests do not: format, lint, types, documentation, and whether the
 * package could be published. The last line is `N passed, N failed`.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { chooseStd, runDeno } from "./deno.ts";

const source = await chooseStd();
const entries = Object.values(config.exports);

const gates: Record<string, string[]> = {
  format: ["fmt", "--check"],
  lint: ["lint"],
  types: ["check", "."],
  documentation: ["doc", "--lint", ...entries],
};
// What is published names JSR, and nothing can stand in for it there.
if (source === "jsr") {
  gates.publish = ["publish", "--dry-run", "--allow-dirty"];
} else {
  console.log("publish: skipped, as it needs JSR");
}

let failed = 0;
for (const [name, args] of Object.entries(gates)) {
  const code = await runDeno(source, args);
  console.log(`${name}: ${code === 0 ? "ok" : "FAILED"}`);
  if (code !== 0) failed++;
}
console.log(`${Object.keys(gates).length - failed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
