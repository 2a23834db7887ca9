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

// Given, not computed: the roots of the primes took 0.2 ms of each program's start.
/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
// deno-fmt-ignore
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** The same of the square roots of the first 8. */
// deno-fmt-ignore
const INITIAL = new Int32Array([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
  0x1f83d9ab, 0x5be0cd19,
]);

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
