/**
 * The numbers that fix the format of keys and bytes.
 *
 * @module
 */

/** To be raised whenever the bytes or the key of any value change; it is part of every key. */
export const FORMAT_VERSION = 1;

/** A node with more bytes than this enters its parent as a link to its digest. */
export const LINK_BYTES = 1_024;

/** How deep objects may stand in each other. */
export const MAX_DEPTH = 1_000;

/** Accessors among the elements of longer arrays are read, not refused: to ask each costs more than to write it. */
export const CHECKED_ELEMENTS = 64;
