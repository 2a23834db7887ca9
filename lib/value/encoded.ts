/**
 * What a value looks like outside of the program: its bytes, and beside them
 * the large binary leaves.
 *
 * @module
 */

/** A typed array, DataView or ArrayBuffer of this many bytes or more is a leaf of its own. */
export const LEAF_BYTES = 65_536;

/** SHA-256 of the raw bytes of typed arrays, DataViews and ArrayBuffers, 64 hexadecimal digits each. */
export type LeafDigests = Map<object, string>;

/** The raw bytes of one large binary leaf. */
export interface Leaf {
  /** Length in bytes. */
  readonly byteLength: number;
  /** SHA-256 of the bytes, 64 hexadecimal digits, where somebody has computed it. */
  readonly digest?: string | undefined;
  /** CRC-32 of the bytes, where changes to them are to be seen. */
  readonly mark?: number | undefined;
  /**
   * The bytes for looking at: they may be somebody else's, so do not write to them.
   *
   * @throws {ArgumentChangedError} if they are an argument that was written to.
   * @throws {ResultLostError} if they were in the cache and are damaged or gone.
   */
  peek(): Uint8Array<ArrayBuffer>;
  /** The bytes in a buffer of the caller's own. Throws as `peek` does. */
  read(): Uint8Array<ArrayBuffer>;
}

/** A file that a value refers to, or a folder in which nothing else may stand. */
export interface FileContent {
  /** Whether it is a file or a folder. */
  readonly kind: "file" | "folder";
  /** Where it is; relative to the working folder if it was given so. */
  readonly path: string;
  /** SHA-256 of a file's content, 64 hexadecimal digits; empty for a folder. */
  readonly digest: string;
  /** Length of a file's content in bytes; 0 for a folder. */
  readonly size: number;
  /** Whether a file may be executed, where that is known. */
  readonly executable?: boolean | undefined;
}

/** A value as faithful bytes. */
export interface EncodedValue {
  /** CBOR; leaves are referred to by index. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The large binary leaves, by index. */
  readonly leaves: readonly Leaf[];
  /** The files that it refers to, and the folders with all that is in them; absent if there are none. */
  readonly files?: readonly FileContent[] | undefined;
  /**
   * Brings leaves and files here that are still at a server; absent if everything is here.
   * What cannot be had is lost: reading it throws.
   */
  load?(signal: AbortSignal): Promise<void>;
  /**
   * Puts the files back where they are missing or have another content; absent if no cache has them.
   *
   * @throws {ResultLostError} if the cache has lost one, or a folder holds something else too.
   * @throws {PermissionNeededError} if Deno may not write one.
   */
  restoreFiles?(): void;
}

/** A leaf whose bytes are in memory and belong to nobody else. */
export class MemoryLeaf implements Leaf {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  digest: string | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>, digest?: string) {
    this.#bytes = bytes;
    this.digest = digest;
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  peek(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  read(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }
}
