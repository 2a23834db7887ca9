/**
 * Signatures of records (Ed25519): who publishes a cache signs its records, and
 * who reads it names the public keys that count.
 *
 * A signature covers all of a record: its key, value, contribution, the digests of
 * its blobs, and what is told about it. It stands at the end of the record's file.
 *
 * @module
 */

import { CacheError } from "../errors.ts";
import { causeOf } from "./failure.ts";
import { PUBLIC_BYTES } from "./public_key.ts";
import {
  type RecordFile,
  SIGNATURE_BYTES,
  withSignatures,
} from "./record_file.ts";

const ALGORITHM = "Ed25519";

/** A signature of this is none of anything else. */
const PURPOSE = new TextEncoder().encode("hither record 1\0");

/** How a private key begins and ends in PEM (RFC 7468). */
export const PEM_BEGIN = "-----BEGIN PRIVATE KEY-----";
/** The end. */
export const PEM_END = "-----END PRIVATE KEY-----";

/** A private key and its public one. */
export interface Signer {
  readonly privateKey: CryptoKey;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/**
 * The private key in a file: PKCS #8, in PEM or not.
 *
 * @throws {CacheError} if the file cannot be read.
 * @throws {TypeError} if it holds none.
 */
export async function signerOf(
  path: string | URL,
  cannot: string,
): Promise<Signer> {
  let file: Uint8Array<ArrayBuffer>;
  try {
    file = await Deno.readFile(path);
  } catch (error) {
    throw new CacheError(
      `${cannot} as the private key in ${path} cannot be read: ${
        causeOf(error)
      }`,
      { cause: error },
    );
  }
  try {
    const privateKey = await crypto.subtle.importKey(
      "pkcs8",
      derOf(file),
      ALGORITHM,
      true,
      ["sign"],
    );
    const { x } = await crypto.subtle.exportKey("jwk", privateKey);
    const publicKey = Uint8Array.fromBase64(x!, { alphabet: "base64url" });
    return { privateKey, publicKey };
  } catch (error) {
    throw new TypeError(
      `${cannot} as ${path} must hold a private key of ${ALGORITHM} as PKCS #8: make one with hither cache keygen`,
      { cause: error },
    );
  }
}

function derOf(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(file).trim();
  return text.startsWith(PEM_BEGIN)
    ? Uint8Array.fromBase64(text.slice(PEM_BEGIN.length, text.indexOf(PEM_END)))
    : file;
}

/** The file of a record with a signature more, and with those of others; the same file if that key has signed it. */
export async function sign(
  file: RecordFile,
  { privateKey, publicKey }: Signer,
): Promise<Uint8Array<ArrayBuffer>> {
  const hex = publicKey.toHex();
  const others: Uint8Array[] = [];
  for (const [key, signature] of signaturesOf(file)) {
    if (key.toHex() === hex && await isValid(file, key, signature)) {
      return file.raw;
    }
    if (key.toHex() !== hex) others.push(key, signature);
  }
  const signature = await crypto.subtle.sign(
    ALGORITHM,
    privateKey,
    message(file),
  );
  const all = [...others, publicKey, new Uint8Array(signature)];
  const bytes = new Uint8Array(all.length / 2 * SIGNATURE_BYTES);
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return withSignatures(file, bytes);
}

/** Whether one of some keys has signed a record. */
export async function isSignedBy(
  file: RecordFile,
  trusted: ReadonlySet<string>,
): Promise<boolean> {
  for (const [key, signature] of signaturesOf(file)) {
    if (trusted.has(key.toHex()) && await isValid(file, key, signature)) {
      return true;
    }
  }
  return false;
}

async function isValid(
  file: RecordFile,
  key: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    const publicKey = await crypto.subtle.importKey(
      "raw",
      key,
      ALGORITHM,
      false,
      ["verify"],
    );
    return await crypto.subtle.verify(
      ALGORITHM,
      publicKey,
      signature,
      message(file),
    );
  } catch {
    // The bytes are no key.
    return false;
  }
}

function* signaturesOf(
  { signatures }: RecordFile,
): Iterable<[Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]> {
  for (let at = 0; at < signatures.length; at += SIGNATURE_BYTES) {
    yield [
      signatures.slice(at, at + PUBLIC_BYTES),
      signatures.slice(at + PUBLIC_BYTES, at + SIGNATURE_BYTES),
    ];
  }
}

function message({ signed }: RecordFile): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PURPOSE.length + signed.length);
  bytes.set(PURPOSE);
  bytes.set(signed, PURPOSE.length);
  return bytes;
}
