/**
 * Public keys of Ed25519 as text.
 *
 * @module
 */

/** What the text of a public key begins with. */
export const KEY_PREFIX = "ed25519:";

/** Bytes of a public key. */
export const PUBLIC_BYTES = 32;

/** The text of a public key, as the option `trust` takes it. */
export function publicKeyText(key: Uint8Array): string {
  return KEY_PREFIX + key.toBase64();
}

/**
 * The keys of the option `trust`, each as hexadecimal digits.
 *
 * @throws {TypeError} if it is no list of keys.
 */
export function trustedKeys(
  given: unknown,
  cannot: string,
): ReadonlySet<string> {
  if (!Array.isArray(given) || given.length === 0) {
    throw new TypeError(
      `${cannot} as trust must be a list of public keys: current value is ${
        Array.isArray(given) ? "an empty one" : String(given)
      }`,
    );
  }
  return new Set(given.map((text) => publicKeyOf(text, cannot).toHex()));
}

function publicKeyOf(text: unknown, cannot: string): Uint8Array {
  try {
    if (typeof text === "string" && text.startsWith(KEY_PREFIX)) {
      const key = Uint8Array.fromBase64(text.slice(KEY_PREFIX.length));
      if (key.length === PUBLIC_BYTES) return key;
    }
  } catch {
    // Not Base64.
  }
  throw new TypeError(
    `${cannot} as a key in trust must be "${KEY_PREFIX}" and ${PUBLIC_BYTES} bytes as Base64: current value is ${
      String(text)
    }`,
  );
}
