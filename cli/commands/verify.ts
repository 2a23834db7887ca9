/**
 * `hither cache verify`: reads everything and checks it.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { Failure } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { makeProgress } from "../progress.ts";
import { inSession } from "../session.ts";
import { count, size } from "../units.ts";

/** Adds the command. */
export function addVerify(cache: CommandUnknownOpts): void {
  makeCommand(cache, "verify", "read everything, set aside what is damaged", {
    notes:
      "What is damaged moves to quarantine/ in the cache folder; its jobs run again\nwhen they are next asked for. Exit code 1 if damage was found.",
    examples: [
      [
        "hither cache verify",
        "after a crash of the machine, or a doubt about the disk",
      ],
      ["hither cache verify --json | jq .badBlobs", "for a nightly check"],
    ],
  }).action((_options, command) =>
    inSession(command, async (session) => {
      const cache = await session.write();
      using progress = await makeProgress("verify");
      const report = await interruptible((signal) =>
        cache.verify({ signal, onProgress: progress.update })
      );
      const { badDatabases, badRecords, badBlobs, missingBlobs } = report;
      if (session.json) {
        session.out.json(report);
      } else {
        session.out.line(
          `${count(report.records, "record")} and ${
            count(report.blobs, "blob")
          }, ${size(report.bytes)} read`,
        );
        if (badDatabases > 0) {
          session.out.line(
            "the database was damaged: a new one holds what could be kept",
          );
        }
        session.out.line(
          `damaged: ${badRecords} records, ${badBlobs} blobs; blobs gone: ${missingBlobs}; blobs without a record: ${report.unusedBlobs}`,
        );
      }
      if (
        badDatabases + badRecords + badBlobs + missingBlobs > 0
      ) throw new Failure("");
    })
  );
}
