/**
 * `hither cache import`: takes in the records of another folder.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { Failure, UsageError } from "../errors.ts";
import { Filter, filterOf } from "../filters.ts";
import { interruptible } from "../interrupt.ts";
import { makeProgress } from "../progress.ts";
import { inSession } from "../session.ts";

/** Adds the command. */
export function addImport(cache: CommandUnknownOpts): void {
  makeCommand(cache, "import", "take in the records of another cache folder", {
    notes:
      "The other folder, of either layout, stays as it is. Every record and blob is\nchecked; what is here already stays as it is. A cache is made if there is none.\nExit code 1 if something is damaged or gone; records that nobody in --trust has\nsigned are left out and counted.",
    examples: [
      ["hither cache import ../old/.hither", "what another project computed"],
      [
        "hither cache import public --trust ed25519:…",
        "only what the owner of a key has signed",
      ],
    ],
  })
    .argument("<folder>", "where from")
    .addOption(Filter.FUNCTION)
    .addOption(Filter.VERSION)
    .addOption(Filter.LABEL)
    .addOption(Filter.FAILED)
    .option(
      "--trust <key>",
      "only what this public key has signed; may be repeated",
      (key: string, keys: string[] = []) => [...keys, key],
    )
    .action((folder, options, command) =>
      inSession(command, async (session) => {
        if (/^https?:/i.test(folder)) {
          throw new UsageError(
            `Cannot import from ${folder} as a server does not list its records: read through it, with new hi.JobCache({ upstream: ["${folder}"] }), or copy its folder first`,
          );
        }
        const jobCache = await session.write({ create: true });
        using progress = await makeProgress("import");
        const report = await interruptible((signal) =>
          jobCache.import(folder, {
            filter: filterOf(options),
            trust: options.trust,
            signal,
            onProgress: progress.update,
          })
        );
        const { records, imported, untrusted, failed } = report;
        if (session.json) session.out.json(report);
        else {
          const others = untrusted === 0
            ? ""
            : `, ${untrusted} not signed by a trusted key`;
          session.out.line(`${records} records: ${imported} new${others}`);
        }
        if (failed === 0) return;
        throw new Failure(
          `${failed} of ${records} records were not imported, as they or their blobs are damaged or gone`,
        );
      })
    );
}
