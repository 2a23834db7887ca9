import { assert, assertEquals } from "@std/assert";
import fc from "npm:fast-check@^4";
import { BlobReference } from "../../lib/cache/blob_reference.ts";
import {
  decodeRecordFile,
  encodeRecordFile,
  KnownFunctions,
  type RecordParts,
  withSignatures,
} from "../../lib/cache/record_file.ts";
import { seal, SEAL_BYTES } from "../../lib/cache/sealed.ts";

const bytes = fc.uint8Array({ maxLength: 200 })
  .map((array) => new Uint8Array(array));
const text = fc.string({ unit: "binary", maxLength: 20 });
const time = fc.integer({ min: 0, max: 2 ** 45 });
const reference = fc.tuple(
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.uint8Array({ minLength: 8, maxLength: 8 }),
  fc.nat(),
).map(([sha256, xxh3, length]) =>
  BlobReference.of(new Uint8Array(sha256).toHex(), xxh3, length)
);

const parts: fc.Arbitrary<RecordParts> = fc.record({
  key: fc.uint8Array({ minLength: 32, maxLength: 32 })
    .map((key) => new Uint8Array(key)),
  fn: fc.record({
    name: text,
    version: text,
    source: text,
    module: text,
    code: text,
    label: text,
  }),
  origin: fc.record({ host: text, versions: text }),
  storedAt: time,
  bytes: fc.nat(),
  body: fc.record({
    status: fc.constantFrom("finished" as const, "error" as const),
    contribution: fc.option(bytes, { nil: undefined }),
    leaves: fc.array(reference, { maxLength: 3 }),
    document: fc.oneof(bytes, reference),
  }),
  details: fc.record({
    timing: fc.record({ startedAt: time, duration: time }),
    console: fc.array(
      fc.record({
        stream: fc.constantFrom("stdout" as const, "stderr" as const),
        text,
        time,
      }),
      { maxLength: 3 },
    ),
    preview: text,
    parts: fc.array(fc.record({ path: text, digest: text }), { maxLength: 3 }),
    upstream: fc.array(text, { maxLength: 3 }),
  }),
});

function decode(file: Uint8Array<ArrayBuffer>) {
  return decodeRecordFile(file, new KnownFunctions());
}

Deno.test("A record comes back from its file as it was", () => {
  fc.assert(fc.property(parts, (given) => {
    const found = decode(encodeRecordFile(given))!;
    const { host, versions, ...details } = found.details()!;
    assertEquals(found.key, given.key);
    assertEquals(found.fn, given.fn);
    assertEquals({ host, versions }, given.origin);
    assertEquals(
      [found.body.status, found.body.contribution],
      [given.body.status, given.body.contribution],
    );
    assertEquals(found.body.leaves, given.body.leaves as BlobReference[]);
    assertEquals(found.body.document, given.body.document);
    const { storedAt, bytes: size } = given;
    assertEquals(
      details,
      { ...given.details, storedAt, bytes: size } as typeof details,
    );
  }));
});

Deno.test("Each flipped byte of a record file, and each cut, is found", () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 255 }), (given, mask) => {
      const file = encodeRecordFile(given);
      assert(decode(file) !== undefined);
      for (let i = 0; i < file.length; i++) {
        file[i]! ^= mask;
        assert(decode(file) === undefined, `byte ${i}`);
        file[i]! ^= mask;
        assert(decode(file.slice(0, i)) === undefined, `cut at ${i}`);
      }
      const longer = new Uint8Array([...file, 0]);
      assert(decode(longer) === undefined);
    }),
    { numRuns: 20 },
  );
});

Deno.test("Garbage is no record, also behind a right seal", () => {
  const garbage = fc.uint8Array({ maxLength: 600 });
  fc.assert(fc.property(garbage, (array) => {
    assertEquals(decode(new Uint8Array(array)), undefined);
    const sealed = new Uint8Array(SEAL_BYTES + array.length);
    sealed.set(array, SEAL_BYTES);
    seal(sealed, "R");
    assertEquals(decode(sealed), undefined);
  }));
});

Deno.test("A record that was sealed again after a flip is refused or whole, and throws nothing", () => {
  const place = fc.nat(), value = fc.nat({ max: 255 });
  fc.assert(
    fc.property(parts, place, value, (given, place, value) => {
      const file = encodeRecordFile(given);
      file[SEAL_BYTES + place % (file.length - SEAL_BYTES)] = value;
      seal(file, "R");
      decode(file)?.details();
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("Signatures come behind what they sign", () => {
  fc.assert(fc.property(parts, (given) => {
    const file = encodeRecordFile(given);
    const plain = decode(file)!;
    assertEquals(plain.signatures.length, 0);
    const signatures = crypto.getRandomValues(new Uint8Array(2 * 96));
    const signed = decode(withSignatures(plain, signatures))!;
    assertEquals(signed.signatures, signatures);
    assertEquals(signed.signed, plain.signed);
    assertEquals(withSignatures(signed, new Uint8Array(0)), file);
  }));
});
