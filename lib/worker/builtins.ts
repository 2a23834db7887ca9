/**
 * What the code of a worker needs of the language, against the code of jobs: one that
 * puts something else in its place would otherwise stop its worker without a word.
 *
 * A replacement that does the same, as a polyfill does, stays. One that does not is
 * undone, and named.
 *
 * @module
 */

import { ReplacedBuiltinError } from "../errors.ts";
import { builtins } from "./builtin_list.ts";
import { areIntact, array, object } from "./intact.ts";

const {
  defineProperty,
  deleteProperty,
  getOwnPropertyDescriptor,
  ownKeys,
  set,
} = Reflect;

/** How often to look: the test of one may need another that comes later. */
const ROUNDS = 3;

/** Puts back what was replaced by something that does not do the same; the names, `undefined` if there was nothing. */
export function repair(): string | undefined {
  // These first, as nothing that makes a list works beside them.
  let names = withoutIndices("Object.prototype", object, "");
  names = withoutIndices("Array.prototype", array, names);
  for (let round = 0; round < ROUNDS; round++) {
    const before = names;
    for (let i = 0; i < builtins.length; i++) {
      const { name, holder, key, original, works } = builtins[i]!;
      const now = getOwnPropertyDescriptor(holder, key);
      if (isSame(now, original) || doesWork(works)) continue;
      const isBack = original === undefined
        ? deleteProperty(holder, key)
        : defineProperty(holder, key, original);
      if (isBack) names = withName(names, name);
    }
    if (names === before) break;
  }
  return names === "" ? undefined : names;
}

/** Takes the elements away that every array would have. */
function withoutIndices(where: string, holder: object, names: string): string {
  const keys = ownKeys(holder);
  // Indices come first.
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (typeof key === "symbol" || !(key[0]! >= "0" && key[0]! <= "9")) break;
    if (!deleteProperty(holder, key)) continue;
    names = withName(names, `${where}[${key}]`);
  }
  // Beside an element that cannot be taken away this changes nothing.
  if (holder === array) set(array, "length", 0);
  return names;
}

function withName(names: string, name: string): string {
  return names === "" ? name : `${names}, ${name}`;
}

function isSame(
  one: PropertyDescriptor | undefined,
  other: PropertyDescriptor | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.value === other.value && one.get === other.get;
}

function doesWork(works: () => boolean): boolean {
  try {
    return works();
  } catch {
    return false;
  }
}

/** Sets right what somebody has done to the builtins; the error that says so. */
export function damageBy(who: string): Error | undefined {
  const replaced = areIntact() ? undefined : repair();
  if (replaced === undefined) return undefined;
  return new ReplacedBuiltinError(
    `${who} replaced ${replaced} in a worker by something that does not do the same, and that was undone: give functions of your own names of their own`,
  );
}
