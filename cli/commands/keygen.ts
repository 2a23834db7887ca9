/**
 * `hither cache keygen`: a pair of keys to sign records with.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { Failure } from "../errors.ts";
import { inSession } from "../session.ts";

/** Adds the command. */
export function addKeygen(cache: CommandUnknownOpts): void {
  makeCommand(cache, "keygen", "make a pair of keys to sign records with", {
    notes:
      "The private key goes to the file, which only its owner can read; the public key\nis printed. A file that is there is never overwritten.",
    examples: [
      ["hither cache keygen key.pem", "once, by whoever publishes a cache"],
      [
        "hither cache export public --sign key.pem",
        "sign with it; readers say { url, trust: [the public key] }",
      ],
    ],
  })
    .argument("<file>", "where the private key goes")
    .action((file, _options, command) =>
      inSession(command, async (session) => {
        const { generateSigningKey } = await import(
          "../../lib/cache/signing_key.ts"
        );
        const { publicKey, privateKey } = await generateSigningKey();
        try {
          await writeNew(file, privateKey);
        } catch (error) {
          throw new Failure(
            error instanceof Deno.errors.AlreadyExists
              ? `Cannot write a new key to ${file} as it exists: name another file`
              : `Cannot write a new key to ${file}: ${
                (error as Error).message
              }`,
          );
        }
        if (session.json) session.out.json({ publicKey, file });
        else session.out.line(publicKey);
      })
    );
}

/** Writes a file that only its owner can read, whole or not at all. */
async function writeNew(path: string, text: string): Promise<void> {
  const options = { write: true, createNew: true, mode: 0o600 };
  using file = await Deno.open(path, options);
  try {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) {
      at += await file.write(bytes.subarray(at));
    }
    await file.sync();
  } catch (error) {
    await Deno.remove(path);
    throw error;
  }
}
