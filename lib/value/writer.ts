/**
 * The walk through a value that checks it and writes it: as faithful bytes or in
 * its deterministic form. There is one walk, so that both refuse the same.
 *
 * @module
 */

import { HitherError, type UnsupportedValueError } from "../errors.ts";
import { BinaryWriter } from "./binary_writer.ts";
import { codecOfPrototype } from "./codec.ts";
import type { Codec } from "./codec.ts";
import type { FileContent } from "./encoded.ts";
import { DOM_EXCEPTION, errorClassName } from "./error_classes.ts";
import type { FileReference } from "./file_reference.ts";
import type { FolderReference } from "./folder_reference.ts";
import { CHECKED_ELEMENTS, LINK_BYTES, MAX_DEPTH } from "./format.ts";
import { Kind, kindOf, Tag } from "./kinds.ts";
import { Initial, Major, Output } from "./output.ts";
import { arrayKeys, ownSymbol } from "./own_keys.ts";
import { MetObjects } from "./met_objects.ts";
import { refusalOfOtherCopy } from "./other_copy.ts";
import {
  accessorRefusal,
  changingRefusal,
  codecRefusal,
  cycleRefusal,
  depthRefusal,
  extraKeyRefusal,
  hiddenRefusal,
  joblessRefusal,
  symbolKeyRefusal,
  unreadableRefusal,
} from "./part_refusal.ts";
import { Place, Trail } from "./path.ts";
import { refusal } from "./refusal.ts";
import { sha256 } from "./sha256.ts";
import { shapeOf } from "./shapes.ts";
import { temporalContent } from "./temporal.ts";
import { writeText } from "./text.ts";
import type { Transfers } from "./transfer.ts";
import type { WriterOptions } from "./writer_options.ts";
import { writeFile, writeFolder } from "./written_files.ts";

/** Of a writer that has no value. */
const NO_OPTIONS: WriterOptions = {
  root: "",
  deterministic: false,
  job: undefined,
  digests: undefined,
  relative: false,
};

const lookupGetter = (Object.prototype as unknown as {
  __lookupGetter__(this: object, key: number): unknown;
}).__lookupGetter__;

/** Writes one value at a time. */
export class ValueWriter {
  /** What is written. */
  readonly out = new Output();
  readonly #trail = new Trail();
  /** Writes what is binary, and has the leaves. */
  readonly binary = new BinaryWriter(this.out, this.#trail, NO_OPTIONS);
  /** The files that faithful bytes refer to. */
  files: FileContent[] = [];

  #options: WriterOptions = NO_OPTIONS;
  #deterministic = false;
  #transfers: Transfers | undefined;
  /** Whether the walk is in something that is to be transferred. */
  #inTransfer = false;

  // Where the walk is. The containers that it is in are known by depth.
  readonly #steps = this.#trail.steps;
  readonly #places = this.#trail.places;
  readonly #containers: (object | undefined)[] = [];
  /** Why no job may stand here, if so. */
  #jobless: string | undefined;

  readonly #met = new MetObjects();

  // The first pass hopes that no object is met twice, and collects those that are. If there are
  // any, a second pass knows them: as index once written, or as deterministic form.
  #shared: Set<object> | undefined;
  #written: Map<object, number | Uint8Array> | undefined;
  #encoded: Map<object, unknown> | undefined;

  /** Begins a value; `out` may get a prefix before `write`. */
  begin(options: WriterOptions): void {
    this.#options = options;
    this.#trail.root = options.root;
    this.binary.begin(options);
    this.#deterministic = options.deterministic;
    this.#transfers = options.transfers;
  }

  /** Writes the value behind what `out` has. */
  write(value: unknown): void {
    const start = this.out.length;
    this.#value(value, 0);
    if (this.#shared === undefined) return;
    this.out.length = start;
    this.binary.again();
    this.files.length = 0;
    this.#met.clear();
    this.#written = new Map();
    this.#value(value, 0);
  }

  /** Lets go of the value. */
  end(): void {
    this.out.clear();
    this.binary.end(NO_OPTIONS);
    this.#met.clear();
    this.#shared = undefined;
    this.#written = undefined;
    this.#encoded = undefined;
    this.#jobless = undefined;
    this.#transfers = undefined;
    // They know digests by the objects themselves.
    this.#options = NO_OPTIONS;
    if (this.files.length > 0) this.files = [];
  }

  #value(value: unknown, depth: number): void {
    const { out } = this;
    switch (typeof value) {
      case "number":
        out.number(value);
        return;
      case "string":
        this.#text(value);
        return;
      case "boolean":
        out.byte(value ? Initial.TRUE : Initial.FALSE);
        return;
      case "undefined":
        out.byte(Initial.UNDEFINED);
        return;
      case "bigint":
        this.#bigint(value);
        return;
      case "object":
        if (value === null) out.byte(Initial.NULL);
        else if (this.#transfers?.has(value)) this.#given(value, depth);
        else this.#object(value, depth);
        return;
      default:
        throw refusal(value, this.#path(depth));
    }
  }

  /** An object that is to be transferred. */
  #given(object: object, depth: number): void {
    const before = this.#inTransfer;
    this.#inTransfer = true;
    this.#object(object, depth);
    this.#inTransfer = before;
  }

  #text(text: string): void {
    const { out } = this;
    if (!this.#deterministic) {
      writeText(out, text);
      return;
    }
    const start = out.length;
    writeText(out, text);
    this.#link(start);
  }

  #bigint(value: bigint): void {
    const { out } = this;
    const start = out.length;
    const negative = value < 0n;
    out.tag(negative ? Tag.NEGATIVE_BIGINT : Tag.BIGINT);
    const magnitude = negative ? -1n - value : value;
    if (magnitude === 0n) {
      out.head(Major.BYTES, 0);
    } else {
      const digits = magnitude.toString(16);
      out.byteString(
        Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`),
      );
    }
    if (this.#deterministic) this.#link(start);
  }

  #object(object: object, depth: number): void {
    const { out } = this;
    // From here on code of a Proxy may run, and fail.
    this.#containers[depth] = object;
    const kind = kindOf(object);
    let codec: Codec | undefined;
    if (kind === Kind.UNKNOWN) {
      codec = codecOfPrototype(Object.getPrototypeOf(object));
      if (codec === undefined) {
        this.#job(object, depth);
        this.#containers[depth] = undefined;
        return;
      }
    }
    if (depth >= MAX_DEPTH) {
      throw depthRefusal(this.#options.root, this.#path(depth));
    }
    const shared = this.#written !== undefined && this.#shared!.has(object);
    if (shared ? this.#writeAgain(object) : this.#met.meet(object)) {
      if (!shared) this.#meetAgain(object, depth);
      this.#containers[depth] = undefined;
      return;
    }
    const start = out.length;
    if (codec === undefined) this.#content(kind, object, depth);
    else this.#codec(codec, object, depth);
    this.#containers[depth] = undefined;
    if (this.#deterministic) {
      this.#link(start);
      if (shared) this.#written!.set(object, out.copy(start));
    }
  }

  #content(kind: number, object: object, depth: number): void {
    switch (kind) {
      case Kind.PLAIN:
        this.#plain(object, depth);
        return;
      case Kind.ARRAY:
        this.#array(object as unknown[], depth);
        return;
      case Kind.NULL_OBJECT:
        this.out.tag(Tag.NULL_OBJECT);
        this.#plain(object, depth);
        return;
      case Kind.ERROR:
        this.#error(object as Error, depth);
        return;
      case Kind.TYPED_ARRAY:
        this.binary.typedArray(object as Uint8Array, depth, this.#inTransfer);
        return;
      case Kind.REGEXP:
        this.#regexp(object as RegExp, depth);
        return;
      case Kind.FILE:
        this.#file(object as FileReference);
        return;
      case Kind.FOLDER:
        this.#folder(object as FolderReference);
        return;
    }
    this.#refuseOwnKeys(object, depth);
    switch (kind) {
      case Kind.MAP:
        this.#map(object as Map<unknown, unknown>, depth);
        return;
      case Kind.SET:
        this.#set(object as Set<unknown>, depth);
        return;
      case Kind.DATE:
        this.out.tag(Tag.DATE);
        this.out.number((object as Date).getTime());
        return;
      case Kind.URL:
        this.out.tag(Tag.URL);
        this.#text((object as URL).href);
        return;
      case Kind.TEMPORAL:
        this.out.tag(Tag.TEMPORAL);
        this.#plainData(temporalContent(object));
        return;
      case Kind.DATA_VIEW:
        this.binary.dataView(object as DataView, depth, this.#inTransfer);
        return;
      case Kind.BUFFER:
        this.binary.buffer(object as ArrayBuffer, depth, this.#inTransfer);
        return;
      case Kind.SHARED_BUFFER:
        this.binary.memory(object as SharedArrayBuffer, depth);
        return;
    }
  }

  // Sharing, links, depth.

  /** An object that was met before. */
  #meetAgain(object: object, depth: number): void {
    for (let i = 0; i < depth; i++) {
      if (this.#containers[i] === object) {
        throw cycleRefusal(this.#path(depth), this.#path(i));
      }
    }
    if (this.#written !== undefined) {
      throw changingRefusal(this.#path(depth));
    }
    this.#shared ??= new Set();
    this.#shared.add(object);
    if (this.#inTransfer) this.#transfers!.add(object);
    this.out.byte(Initial.NULL);
  }

  /** In the second pass: whether a shared object was written before, and now again. */
  #writeAgain(object: object): boolean {
    const known = this.#written!.get(object);
    if (known === undefined) {
      if (!this.#deterministic) {
        this.#written!.set(object, this.#written!.size);
        this.out.tag(Tag.SHARED);
      }
      return false;
    }
    if (typeof known === "number") {
      this.out.tag(Tag.REFERENCE);
      this.out.head(Major.UINT, known);
    } else {
      this.out.raw(known);
    }
    return true;
  }

  /** Replaces the node that begins at `start` by its link, if it is long. */
  #link(start: number): void {
    const { out } = this;
    if (out.length - start <= LINK_BYTES) return;
    const digest = sha256(out.bytes.subarray(start, out.length));
    out.length = start;
    out.tag(Tag.NODE_LINK);
    out.byteString(digest);
  }

  /** What is said of an error that is not ours: a trap of a Proxy or an accessor threw it. */
  unreadable(cause: unknown): UnsupportedValueError {
    const containers = this.#containers;
    const end = containers.indexOf(undefined);
    const depth = (end < 0 ? containers.length : end) - 1;
    return unreadableRefusal(this.#path(Math.max(depth, 0)), cause);
  }

  #path(depth: number): string {
    return this.#trail.path(depth);
  }

  // Objects with keys.

  #plain(object: object, depth: number): void {
    const names = Object.getOwnPropertyNames(object);
    const symbols = Object.getOwnPropertySymbols(object);
    if (symbols.length > 0) {
      throw symbolKeyRefusal(symbols[0]!, this.#path(depth));
    }
    if (names.length === 0 && !isBare(object)) {
      throw refusal(object, this.#path(depth));
    }
    this.#properties(object, names, this.#deterministic, depth);
  }

  #properties(
    object: object,
    names: readonly string[],
    sorted: boolean,
    depth: number,
  ): void {
    const { out } = this;
    const { order, keys } = shapeOf(names, sorted);
    const { length } = order;
    out.head(Major.MAP, length);
    this.#places[depth] = Place.PROPERTY;
    for (let i = 0; i < length; i++) {
      const name = names[order[i]!]!;
      this.#steps[depth] = name;
      const property = Object.getOwnPropertyDescriptor(object, name);
      if (property === undefined || property.writable === undefined) {
        throw accessorRefusal(this.#path(depth + 1));
      }
      if (!property.enumerable) throw hiddenRefusal(this.#path(depth + 1));
      out.raw(keys[i]!);
      this.#value(property.value, depth + 1);
    }
  }

  #array(array: unknown[], depth: number): void {
    const { out } = this;
    const symbols = Object.getOwnPropertySymbols(array);
    if (symbols.length > 0) {
      throw symbolKeyRefusal(symbols[0]!, this.#path(depth));
    }
    const { indices, extra } = arrayKeys(array);
    if (extra.length > 0) {
      out.tag(Tag.KEYED_ARRAY);
      out.head(Major.ARRAY, 2);
    }
    this.#places[depth] = Place.PROPERTY;
    if (indices === undefined) this.#elements(array, depth);
    else this.#sparse(array, indices, depth);
    if (extra.length > 0) this.#properties(array, extra, false, depth);
  }

  #elements(array: unknown[], depth: number): void {
    const { out } = this;
    const steps = this.#steps;
    const { length } = array;
    out.head(Major.ARRAY, length);
    const checked = length <= CHECKED_ELEMENTS;
    for (let i = 0; i < length; i++) {
      if (checked && lookupGetter.call(array, i) !== undefined) {
        steps[depth] = i;
        throw accessorRefusal(this.#path(depth + 1));
      }
      const value = array[i];
      if (typeof value === "number") {
        out.number(value);
      } else {
        steps[depth] = i;
        this.#value(value, depth + 1);
      }
    }
  }

  #sparse(array: unknown[], indices: readonly number[], depth: number): void {
    const { out } = this;
    let runs = 0;
    let next = 0;
    for (const index of indices) {
      if (index > next) runs++;
      next = index + 1;
    }
    if (array.length > next) runs++;
    out.head(Major.ARRAY, indices.length + runs);
    next = 0;
    for (const index of indices) {
      this.#holes(index - next);
      this.#steps[depth] = index;
      const property = Object.getOwnPropertyDescriptor(array, index);
      if (property === undefined || property.writable === undefined) {
        throw accessorRefusal(this.#path(depth + 1));
      }
      this.#value(property.value, depth + 1);
      next = index + 1;
    }
    this.#holes(array.length - next);
  }

  #holes(count: number): void {
    if (count === 0) return;
    this.out.tag(Tag.HOLES);
    this.out.head(Major.UINT, count);
  }

  #error(error: Error, depth: number): void {
    const { out } = this;
    const symbol = ownSymbol(error);
    if (symbol !== undefined) throw symbolKeyRefusal(symbol, this.#path(depth));
    const type = errorClassName(Object.getPrototypeOf(error))!;
    let names = Object.getOwnPropertyNames(error);
    // A stack tells where an error was made, not what it means.
    if (this.#deterministic) names = names.filter((name) => name !== "stack");
    out.tag(Tag.ERROR);
    out.head(Major.ARRAY, 3);
    out.text(type);
    // The one class that keeps these two out of sight.
    const inherited = type === DOM_EXCEPTION ? ["message", "name"] : [];
    out.head(Major.MAP, names.length + inherited.length);
    for (const name of inherited) {
      out.text(name);
      this.#text(String(error[name as "message" | "name"]));
    }
    const enumerable: string[] = [];
    const jobless = this.#jobless;
    this.#jobless ??= "an Error";
    this.#places[depth] = Place.PROPERTY;
    for (const name of names) {
      this.#steps[depth] = name;
      const property = Object.getOwnPropertyDescriptor(error, name)!;
      if (property.writable === undefined && name !== "stack") {
        throw accessorRefusal(this.#path(depth + 1));
      }
      if (property.enumerable) enumerable.push(name);
      this.#text(name);
      this.#value(
        name === "stack" ? error.stack : property.value,
        depth + 1,
      );
    }
    this.#jobless = jobless;
    out.head(Major.ARRAY, enumerable.length);
    for (const name of enumerable) this.#text(name);
  }

  // Collections.

  #map(map: Map<unknown, unknown>, depth: number): void {
    const { out } = this;
    out.tag(Tag.MAP);
    out.head(Major.MAP, map.size);
    let position = 0;
    const jobless = this.#jobless;
    for (const [key, value] of map) {
      this.#places[depth] = Place.MAP_KEY;
      this.#steps[depth] = position++;
      this.#jobless = jobless ?? "a Map key";
      this.#value(key, depth + 1);
      this.#jobless = jobless;
      this.#places[depth] = Place.MAP_VALUE;
      this.#steps[depth] = key;
      this.#value(value, depth + 1);
    }
    this.#steps[depth] = undefined;
  }

  #set(set: Set<unknown>, depth: number): void {
    const { out } = this;
    out.tag(Tag.SET);
    out.head(Major.ARRAY, set.size);
    let position = 0;
    const jobless = this.#jobless;
    this.#jobless ??= "a Set";
    this.#places[depth] = Place.SET_MEMBER;
    for (const member of set) {
      this.#steps[depth] = position++;
      this.#value(member, depth + 1);
    }
    this.#jobless = jobless;
  }

  // The others.

  #regexp(regexp: RegExp, depth: number): void {
    const { out } = this;
    for (const key of Reflect.ownKeys(regexp)) {
      if (key !== "lastIndex") {
        throw extraKeyRefusal(regexp, key, this.#path(depth));
      }
    }
    out.tag(Tag.REGEXP);
    out.head(Major.ARRAY, 3);
    this.#text(regexp.source);
    this.#text(regexp.flags);
    this.#places[depth] = Place.PROPERTY;
    this.#steps[depth] = "lastIndex";
    this.#value(regexp.lastIndex, depth + 1);
  }

  #file(file: FileReference): void {
    const { out } = this;
    out.tag(Tag.FILE);
    if (this.#deterministic) out.byteString(Uint8Array.fromHex(file.digest));
    else writeFile(out, file, this.#options.relative, this.files);
  }

  #folder(folder: FolderReference): void {
    const { out } = this;
    out.tag(Tag.FOLDER);
    if (this.#deterministic) out.byteString(Uint8Array.fromHex(folder.digest));
    else writeFolder(out, folder, this.#options.relative, this.files);
  }

  #codec(codec: Codec, instance: object, depth: number): void {
    const { out } = this;
    let encoded: unknown;
    // Both passes must see the same objects.
    this.#encoded ??= new Map();
    if (this.#encoded.has(instance)) {
      encoded = this.#encoded.get(instance);
    } else {
      try {
        encoded = codec.encode(instance);
      } catch (cause) {
        throw codecRefusal(codec.name, this.#path(depth), cause);
      }
      this.#encoded.set(instance, encoded);
    }
    out.tag(Tag.CODEC);
    out.head(Major.ARRAY, 2);
    this.#text(codec.name);
    const jobless = this.#jobless;
    this.#jobless ??= `an instance of ${codec.type.name}`;
    this.#places[depth] = Place.ENCODED;
    this.#steps[depth] = codec.name;
    this.#value(encoded, depth + 1);
    this.#jobless = jobless;
  }

  #job(object: object, depth: number): void {
    const { out } = this;
    const job = this.#options.job?.(object);
    if (job === undefined) {
      const path = this.#path(depth);
      const jobs = this.#options.job !== undefined;
      throw refusalOfOtherCopy(object, path, jobs) ?? refusal(object, path);
    }
    if (this.#jobless !== undefined) {
      throw joblessRefusal(this.#jobless, this.#path(depth));
    }
    if (typeof job === "number") {
      out.tag(Tag.JOB);
      out.head(Major.UINT, job);
    } else {
      out.raw(job);
    }
  }

  /** Data of our own making, which needs no checks. */
  #plainData(data: unknown): void {
    if (Array.isArray(data)) {
      this.out.head(Major.ARRAY, data.length);
      for (const item of data) this.#plainData(item);
    } else {
      this.#value(data, 0);
    }
  }

  #refuseOwnKeys(object: object, depth: number): void {
    const names = Object.getOwnPropertyNames(object);
    const key = names.length > 0 ? names[0] : ownSymbol(object);
    if (key !== undefined) {
      throw extraKeyRefusal(object, key, this.#path(depth));
    }
  }
}

/** Whether an object without keys is nothing but an object. */
function isBare(object: object): boolean {
  return Object.prototype.toString.call(object) === "[object Object]";
}

// One writer is kept for the next value. While it is in use (a codec may encode other
// values) another is made; one that met an error is not used again.
let spare: ValueWriter | undefined;

/** Lends a writer for one value. */
export function withWriter<T>(
  options: WriterOptions,
  use: (writer: ValueWriter) => T,
): T {
  const writer = spare ?? new ValueWriter();
  spare = undefined;
  writer.begin(options);
  let result: T;
  try {
    result = use(writer);
  } catch (error) {
    throw error instanceof HitherError ? error : writer.unreadable(error);
  }
  writer.end();
  spare = writer;
  return result;
}
