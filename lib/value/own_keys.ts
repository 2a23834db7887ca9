/**
 * Own keys beside those that a kind has anyway: they must be seen, or they would be dropped.
 *
 * @module
 */

/** From this length on, asking the inspector is cheaper than a list of all keys. */
const LONG = 96;

const INSPECT: Deno.InspectOptions = {
  depth: 0,
  iterableLimit: 0,
  showHidden: true,
};

/** What an array has beside its elements. */
export interface ArrayKeys {
  /** The indices of its elements, if some are missing. */
  readonly indices: readonly number[] | undefined;
  /** Its other keys, `length` not included. */
  readonly extra: readonly string[];
}

const NO_EXTRA: readonly string[] = [];
const DENSE: ArrayKeys = { indices: undefined, extra: NO_EXTRA };

/** The own string keys of an array. */
export function arrayKeys(array: readonly unknown[]): ArrayKeys {
  const { length } = array;
  if (length >= LONG) {
    // Built for people, but exact: whatever else the array had would stand in the text.
    const text = `[ ... ${length} more items, [length]: ${length} ]`;
    if (Deno.inspect(array, INSPECT) === text && isDense(array)) return DENSE;
  }
  const names = Object.getOwnPropertyNames(array);
  // Indices come first, in order, then `length`.
  if (names.length === length + 1 && names[length] === "length") return DENSE;
  const end = names.indexOf("length");
  return {
    indices: end === length ? undefined : names.slice(0, end).map(Number),
    extra: names.slice(end + 1),
  };
}

function isDense(array: readonly unknown[]): boolean {
  for (let i = 0; i < array.length; i++) {
    if (array[i] === undefined && !Object.hasOwn(array, i)) return false;
  }
  return true;
}

/** The first own string key of a typed array beside its indices. */
export function typedArrayKey(
  array: ArrayBufferView<ArrayBuffer> & { readonly length: number },
): string | undefined {
  const { length } = array;
  if (length >= LONG) {
    const type = array.constructor as new (
      buffer: ArrayBuffer,
      byteOffset: number,
      length: number,
    ) => object;
    const bare = new type(array.buffer, array.byteOffset, length);
    if (Deno.inspect(array, INSPECT) === Deno.inspect(bare, INSPECT)) {
      return undefined;
    }
  }
  return Object.getOwnPropertyNames(array)[length];
}

let platformSymbols: Set<string | symbol> | undefined;

/** Objects of the platform carry symbols of its own, and no string keys. They are made when the first symbol is met, as that takes a while. */
function isOfPlatform(symbol: symbol): boolean {
  platformSymbols ??= new Set<string | symbol>([
    ...Reflect.ownKeys(new URL("about:blank")),
    ...Reflect.ownKeys(new DOMException()),
  ]);
  return platformSymbols.has(symbol);
}

/** The first symbol among the own keys that is not the platform's. */
export function ownSymbol(object: object): symbol | undefined {
  const symbols = Object.getOwnPropertySymbols(object);
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    if (!isOfPlatform(symbol) && !isMark(object, symbol)) return symbol;
  }
  return undefined;
}

/** Whether it is how the runtime marks the errors that it throws itself. */
function isMark(object: object, symbol: symbol): boolean {
  return symbol.description === "errorAdditionalPropertyKeys" &&
    Error.isError(object) &&
    !Object.prototype.propertyIsEnumerable.call(object, symbol);
}
