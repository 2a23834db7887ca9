/**
 * Signatures of records (Ed25519): who publishes a cache signs its records, and
 * who reads it names the public keys that count.
 *
 * A signature covers all of a record: its key, value, contribution, the digests of
 * its blobs, and what is told about it. It stands at the end of the record's file.
 *
 * @module
 */

import {
  type RecordFile,
  SIGNATURE_BYTES,
  withSignatures,
} from "./record_file.ts";

const ALGORITHM = "Ed25519";
const PUBLIC_BYTES = 32;

/** A signature of this is none of anything else. */
const PURPOSE = new TextEncoder().encode("hither record 1\0");

const PREFIX = "ed25519:";
const PEM_BEGIN = "-----BEGIN PRIVATE KEY-----";
const PEM_END = "-----END PRIVATE KEY-----";

/** A new pair of keys. */
export interface SigningKeyPair {
  /** The public key, for the option `trust`: `ed25519:` and its bytes as Base64. */
  readonly publicKey: string;
  /** The private key, as PKCS #8 in PEM, to be kept in a file that nobody else can read. */
  readonly privateKey: string;
}

/** A private key and its public one. */
export interface Signer {
  readonly privateKey: CryptoKey;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/**
 * Makes a pair of keys: one to sign records with, one for those who trust them.
 *
 * @returns The keys, as text.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const { publicKey, privateKey } = await hi.generateSigningKey();
 * console.assert(publicKey.startsWith("ed25519:"));
 * await Deno.writeTextFile(await Deno.makeTempFile(), privateKey, { mode: 0o600 });
 * ```
 */
export async function generateSigningKey(): Promise<SigningKeyPair> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    ALGORITHM,
    true,
    ["sign", "verify"],
  ) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", privateKey),
  );
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  return {
    publicKey: PREFIX + raw.toBase64(),
    privateKey: `${PEM_BEGIN}\n${pkcs8.toBase64()}\n${PEM_END}\n`,
  };
}

/**
 * A private key for signing.
 *
 * @param given A key of Web Crypto, or the path of a file: PKCS #8, in PEM or not.
 * @throws {TypeError} if it is none.
 */
export async function signerOf(
  given: CryptoKey | string,
  cannot: string,
): Promise<Signer> {
  const privateKey = typeof given === "string"
    ? await readPrivateKey(given, cannot)
    : given;
  if (
    !(privateKey instanceof CryptoKey) || privateKey.type !== "private" ||
    privateKey.algorithm.name !== ALGORITHM || !privateKey.extractable
  ) {
    throw new TypeError(
      `${cannot} as sign must be an extractable private key of ${ALGORITHM}, or the path of one: make one with generateSigningKey()`,
    );
  }
  const { x } = await crypto.subtle.exportKey("jwk", privateKey);
  return {
    privateKey,
    publicKey: Uint8Array.fromBase64(x!, { alphabet: "base64url" }),
  };
}

/** The same for the public keys of the option `trust`: their bytes as hexadecimal digits. */
export function trustedKeys(
  given: readonly string[],
  cannot: string,
): ReadonlySet<string> {
  return new Set(given.map((text) => publicKeyOf(text, cannot).toHex()));
}

function publicKeyOf(text: unknown, cannot: string): Uint8Array {
  try {
    if (typeof text === "string" && text.startsWith(PREFIX)) {
      const key = Uint8Array.fromBase64(text.slice(PREFIX.length));
      if (key.length === PUBLIC_BYTES) return key;
    }
  } catch {
    // Not Base64.
  }
  throw new TypeError(
    `${cannot} as a key in trust must be "${PREFIX}" and 32 bytes as Base64: current value is ${
      String(text)
    }`,
  );
}

async function readPrivateKey(
  path: string,
  cannot: string,
): Promise<CryptoKey> {
  const file = await Deno.readFile(path);
  const text = new TextDecoder().decode(file).trim();
  try {
    const bytes = text.startsWith(PEM_BEGIN)
      ? Uint8Array.fromBase64(
        text.slice(PEM_BEGIN.length, text.indexOf(PEM_END)),
      )
      : file;
    return await crypto.subtle.importKey("pkcs8", bytes, ALGORITHM, true, [
      "sign",
    ]);
  } catch (error) {
    throw new TypeError(
      `${cannot} as ${path} must hold a private key of ${ALGORITHM} as PKCS #8: make one with generateSigningKey()`,
      { cause: error },
    );
  }
}

/** The file of a record with a signature more; the same file if that key has signed it. */
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
