/** Writes the table into `docs/reliability.md`. Then `deno fmt` aligns it. */

import { join } from "@std/path";
import { ROOT } from "../house/run.ts";
import { table } from "./table.ts";

const path = join(ROOT, "docs/reliability.md");
const text = await Deno.readTextFile(path);
const [before, rest] = text.split("<!-- table -->\n");
const after = rest!.split("<!-- end of table -->\n")[1];
await Deno.writeTextFile(
  path,
  `${before}<!-- table -->\n\n${table()}\n\n<!-- end of table -->\n${after}`,
);
