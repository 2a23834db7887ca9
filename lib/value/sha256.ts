/**
 * SHA-256 (FIPS 180-4), synchronous. Short input is hashed here, which is as fast
 * as the native code and spares a short program the loading of `node:crypto`.
 *
 * @module
 */

import defer * as crypto from "node:crypto";

/** Input of more bytes than this is hashed by `node:crypto`. */
const NATIVE_BYTES = 4_096;

const ROUNDS = 64;
const BLOCK = 64;

/** The first 32 bits of the fractional part of `root` of the first `count` primes. */
function primeRoots(
  count: number,
  root: (prime: number) => number,
): Int32Array {
  const words = new Int32Array(count);
  let found = 0;
  for (let n = 2; found < count; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor++;
    if (divisor * divisor <= n) continue;
    const value = root(n);
    words[found++] = (value - Math.floor(value)) * 2 ** 32;
  }
  return words;
}

const K = primeRoots(ROUNDS, Math.cbrt);
const INITIAL = primeRoots(8, Math.sqrt);

// Scratch space, used within one synchronous call only. The message has room for the
// padding: one byte, up to 63 zeros, and the length in bits.
const schedule = new Int32Array(ROUNDS);
const state = new Int32Array(8);
const message = new Uint8Array(NATIVE_BYTES + 2 * BLOCK);

function compress(offset: number): void {
  const w = schedule;
  const m = message;
  for (let i = 0, at = offset; i < 16; i++, at += 4) {
    w[i] = m[at]! << 24 | m[at + 1]! << 16 | m[at + 2]! << 8 | m[at + 3]!;
  }
  for (let i = 16; i < ROUNDS; i++) {
    const x = w[i - 15]!;
    const y = w[i - 2]!;
    w[i] = (w[i - 16]! + w[i - 7]! +
      ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
      ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10)) | 0;
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let i = 0; i < ROUNDS; i++) {
    const t =
      (h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) +
        (g ^ e & (f ^ g)) + K[i]! + w[i]!) | 0;
    const u =
      ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) +
      (a & b ^ c & (a ^ b));
    h = g;
    g = f;
    f = e;
    e = (d + t) | 0;
    d = c;
    c = b;
    b = a;
    a = (t + u) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

/** The SHA-256 digest of some bytes, given in one or more parts. */
export function sha256(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += parts[i]!.length;
  const digest = new Uint8Array(32);
  if (length > NATIVE_BYTES) {
    const hash = crypto.createHash("sha256");
    for (const part of parts) hash.update(part);
    digest.set(hash.digest());
    return digest;
  }
  let end = 0;
  for (let i = 0; i < parts.length; i++) {
    message.set(parts[i]!, end);
    end += parts[i]!.length;
  }
  message[end++] = 0x80;
  // The last eight bytes of a block are the length in bits, of which four are 0 here.
  while (end % BLOCK !== BLOCK - 8) message[end++] = 0;
  message.fill(0, end, end + 4);
  end += 4;
  const bits = length * 8;
  message[end++] = bits >>> 24;
  message[end++] = bits >>> 16;
  message[end++] = bits >>> 8;
  message[end++] = bits;
  state.set(INITIAL);
  for (let offset = 0; offset < end; offset += BLOCK) compress(offset);
  for (let i = 0; i < 8; i++) {
    const word = state[i]!;
    digest[i * 4] = word >>> 24;
    digest[i * 4 + 1] = word >>> 16;
    digest[i * 4 + 2] = word >>> 8;
    digest[i * 4 + 3] = word;
  }
  return digest;
}

/** As `sha256`, as 64 hexadecimal digits. */
export function sha256Hex(...parts: Uint8Array[]): string {
  return sha256(...parts).toHex();
}
