/**
 * `hither cache pin`, `unpin` and `pins`: what is kept whatever the limits.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import type { Pin } from "../../lib/cache/report.ts";
import type { JobCache } from "../../mod.ts";
import { makeCommand } from "../command.ts";
import { Failure, UsageError } from "../errors.ts";
import { resolveKey } from "../keys.ts";
import { textOption } from "../options.ts";
import { inSession, type Session } from "../session.ts";

const FUNCTION = textOption("--function <name>", "all records of a function");
const LABEL = textOption("--label <label>", "all records of a label");

/** Adds the commands. */
export function addPins(cache: CommandUnknownOpts): void {
  makeCommand(cache, "pin", "keep records whatever the limits", {
    notes:
      "A pin of a function or a label holds for records to come as well.\nWhat is pinned is printed.",
    examples: [
      ["hither cache pin 3f2a91", "one record"],
      ["hither cache pin --label paper", "all functions with this label"],
    ],
  })
    .argument("[keys...]", "keys, or their first digits")
    .addOption(FUNCTION)
    .addOption(LABEL)
    .action((given, options, command) =>
      inSession(command, async (session) => {
        requireOne(given, options, "pin");
        const jobCache = await session.write();
        const keys = given.map((digits) => resolveKey(jobCache, digits));
        for (const pin of pinsOf(keys, options)) {
          jobCache.pin(pin);
          tell(session, pin);
        }
      })
    );
  makeCommand(cache, "unpin", "let records go again", {
    notes: "What was unpinned is printed.",
    examples: [
      ["hither cache unpin 3f2a91", "one record"],
      ["hither cache unpin --function simulate", "a function"],
    ],
  })
    .argument("[keys...]", "keys, or their first digits")
    .addOption(FUNCTION)
    .addOption(LABEL)
    .action((given, options, command) =>
      inSession(command, async (session) => {
        requireOne(given, options, "unpin");
        const jobCache = await session.write();
        const keys = given.map((digits) => pinnedKey(jobCache, digits));
        for (const pin of pinsOf(keys, options)) {
          if (!jobCache.unpin(pin)) throw notPinned(pin.value);
          tell(session, pin);
        }
      })
    );
  makeCommand(cache, "pins", "list what is pinned", {
    columns: [["first, second", "key, function or label; which one"]],
    notes: "With --json: one pin a line.",
    examples: [
      ["hither cache pins", "all pins"],
      [
        "hither cache pins --json | jq -r 'select(.kind == \"label\").value'",
        "the labels",
      ],
    ],
  }).action((_options, command) =>
    inSession(command, async (session) => {
      for (const pin of (await session.read()).pins()) tell(session, pin);
    })
  );
}

interface PinOptions {
  readonly function?: string | undefined;
  readonly label?: string | undefined;
}

function requireOne(
  keys: readonly string[],
  options: PinOptions,
  verb: string,
): void {
  if (pinsOf(keys, options).length > 0) return;
  throw new UsageError(
    `Cannot tell what to ${verb}: give keys, --function or --label`,
  );
}

function pinsOf(
  keys: readonly string[],
  { function: name, label }: PinOptions,
): Pin[] {
  const pins: Pin[] = keys.map((value) => ({ kind: "key", value }));
  if (name !== undefined) pins.push({ kind: "function", value: name });
  if (label !== undefined) pins.push({ kind: "label", value: label });
  return pins;
}

/** The pinned key that begins with these digits; its record may be gone. */
function pinnedKey(cache: JobCache, given: string): string {
  const prefix = given.toLowerCase();
  const found = cache.pins().filter(({ kind, value }) =>
    kind === "key" && value.startsWith(prefix)
  );
  if (found.length === 0) throw notPinned(given);
  if (found.length === 1) return found[0]!.value;
  throw new Failure(
    `Cannot tell which pin ${given} is as several begin with it: give more digits`,
  );
}

function notPinned(what: string): Failure {
  return new Failure(
    `Cannot unpin ${what} as it is not pinned: hither cache pins lists what is`,
  );
}

function tell({ out, json }: Session, pin: Pin): void {
  if (json) out.json(pin);
  else out.line(`${pin.kind}  ${pin.value}`);
}
