/**
 * `hither cache export`: puts records into a folder to be published.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { Failure, UsageError } from "../errors.ts";
import { Filter, filterOf, tellNone } from "../filters.ts";
import { interruptible } from "../interrupt.ts";
import { makeProgress } from "../progress.ts";
import { inSession } from "../session.ts";
import { count, size } from "../units.ts";

/** Adds the command. */
export function addExport(cache: CommandUnknownOpts): void {
  makeCommand(cache, "export", "put records into a folder to be published", {
    notes:
      "The folder has a file for each record, and only the blobs and code that the\nrecords need. What is there already is not written again; nothing is deleted.\nCopy it to a disk, a server of static files or a bucket, and read through it:\n  new hi.JobCache({ upstream: [folder or URL] })\nExit code 1 if a record or a blob is damaged or gone.",
    examples: [
      [
        "hither cache export public && rsync -a public/ host:/srv/cache/",
        "publish all, and later what is new",
      ],
      [
        "hither cache export public --label paper --sign key.pem",
        "signed, and only the functions with a label",
      ],
    ],
  })
    .argument("<folder>", "where to")
    .addOption(Filter.FUNCTION)
    .addOption(Filter.VERSION)
    .addOption(Filter.LABEL)
    .addOption(Filter.FAILED)
    .option("--sign <file>", "sign with the private key in this file")
    .action((folder, options, command) =>
      inSession(command, async (session) => {
        if (/^[a-z][a-z0-9+.-]+:\/\//i.test(folder)) {
          throw new UsageError(
            `Cannot export to ${folder} as it must be a folder: export into one, and copy it there`,
          );
        }
        const jobCache = await session.read();
        using progress = await makeProgress("export");
        const report = await interruptible((signal) =>
          jobCache.export(folder, {
            filter: filterOf(options),
            sign: options.sign,
            signal,
            onProgress: progress.update,
          })
        );
        const { records, written, blobs, bytes, failed } = report;
        if (session.json) session.out.json(report);
        else {
          session.out.line(
            `${count(records, "record")}: ${
              records > 0 && written === 0 && failed === 0
                ? "all are there already"
                : `${written} written with ${count(blobs, "blob")}, ${
                  size(bytes)
                }`
            }`,
          );
        }
        if (records === 0) await tellNone(session, jobCache, options);
        if (failed === 0) return;
        throw new Failure(
          `${failed} of ${records} records were not exported, as they or their blobs are damaged or gone: hither cache verify sets them aside`,
        );
      })
    );
}
