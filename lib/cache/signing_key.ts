/**
 * New keys to sign records with.
 *
 * @module
 */

/** A new pair of keys. */
export interface SigningKeyPair {
  /** The public key, for the option `trust`: `ed25519:` and its 32 bytes as Base64. */
  readonly publicKey: string;
  /** The private key, as PKCS #8 (RFC 8410) in PEM, to be kept in a file that nobody else can read. */
  readonly privateKey: string;
}

/**
 * Makes a pair of Ed25519 keys (RFC 8032): one to sign records with, one for those
 * who trust them. `hither cache keygen` does the same and writes the file.
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
  const { PEM_BEGIN, PEM_END } = await import("./signature.ts");
  const { publicKeyText } = await import("./public_key.ts");
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    "Ed25519",
    true,
    ["sign", "verify"],
  ) as CryptoKeyPair;
  const [pkcs8, raw] = await Promise.all([
    crypto.subtle.exportKey("pkcs8", privateKey),
    crypto.subtle.exportKey("raw", publicKey),
  ]);
  return {
    publicKey: publicKeyText(new Uint8Array(raw)),
    privateKey: `${PEM_BEGIN}\n${
      new Uint8Array(pkcs8).toBase64()
    }\n${PEM_END}\n`,
  };
}
