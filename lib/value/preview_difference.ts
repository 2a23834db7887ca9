/**
 * What previews of arguments tell of their differences: for parts that are too long,
 * or of a kind, that a record keeps no text of them.
 *
 * @module
 */

import { propertyStep } from "./path.ts";

/** What stands where a preview is cut, and for what lies too deep. */
const ELLIPSIS = "\u2026";

/** A part of the arguments, as a preview shows it. */
export interface Shown {
  readonly text: string;
  /** What an array or object consists of, by the steps to that. */
  readonly parts?: ReadonlyMap<string, Shown>;
  /** Whether the preview is cut in it, so that there may be more. */
  readonly isCut: boolean;
}

/** Previews of more characters are of somebody who means no good. */
const MOST = 1_000;

/** The parts of arguments by their paths, as far as a preview shows them. */
export function shownParts(
  preview: string,
  root: string,
): ReadonlyMap<string, Shown> {
  const found = new Map<string, Shown>();
  const add = (path: string, parts: ReadonlyMap<string, Shown>) => {
    for (const [step, part] of parts) {
      found.set(path + step, part);
      if (part.parts !== undefined) add(path + step, part.parts);
    }
  };
  if (preview.length <= MOST) add(root, new Reader(preview).all());
  return found;
}

const STRING = /"(?:[^"\\]|\\.)*"/y;
/** What has nothing inside, up to what may follow: a text, `file("a")`, `Map(2)`, a date, a number, a name. */
const LEAF =
  /(?:"(?:[^"\\]|\\.)*"|[\w$]+\("(?:[^"\\]|\\.)*"\)|[\w$]+\([\w.:+-]*\)|Invalid Date|[\w$.:+-]+|\u2026n?)(?=$|, |\]| \})/y;
/** The beginning of one, where a preview is cut. */
const CUT_LEAF =
  /(?:"(?:[^"\\]|\\.)*\\?|[\w$]+\("(?:[^"\\]|\\.)*\\?|[\w$]+\([\w.:+-]*|[\w$.:+-]*)\u2026$/y;
const NAME = /[A-Za-z_$][\w$]*/y;

/** Reads up to where a preview is cut, or shows what cannot be taken apart. */
class Reader {
  readonly #text: string;
  #at = 0;
  /** Whether nothing more can be read. */
  #isOver = false;

  constructor(preview: string) {
    this.#text = preview;
  }

  /** All arguments. */
  all(): ReadonlyMap<string, Shown> {
    return this.#parts("", (i) => propertyStep(i));
  }

  /** What is separated by commas, up to a closing bracket. */
  #parts(
    close: string,
    stepOf: (index: number) => string | undefined,
  ): Map<string, Shown> {
    const parts = new Map<string, Shown>();
    for (let i = 0; !this.#isOver; i++) {
      if (this.#isClosed(close)) break;
      // An array may have holes.
      if (!this.#isNext(", ")) {
        const step = stepOf(i);
        const value = step === undefined ? undefined : this.#value();
        if (value === undefined) this.#isOver = true;
        else parts.set(step!, value);
        if (this.#isOver || this.#isClosed(close)) break;
      }
      if (!this.#skip(", ")) this.#isOver = true;
    }
    return parts;
  }

  #isClosed(close: string): boolean {
    return close === "" ? this.#at === this.#text.length : this.#skip(close);
  }

  #value(): Shown | undefined {
    const start = this.#at;
    let parts: Map<string, Shown> | undefined;
    if (this.#skip("[")) parts = this.#parts("]", (i) => propertyStep(i));
    else if (this.#skip("{}")) parts = new Map();
    else if (this.#skip("{ ")) parts = this.#parts(" }", () => this.#key());
    if (parts !== undefined) {
      const isCut = this.#isOver;
      const text = this.#text.slice(start, isCut ? undefined : this.#at);
      return { text, parts, isCut };
    }
    // Alone at the end it is where the preview is cut, perhaps at a bracket that closes.
    const isLast = this.#text.slice(start) === ELLIPSIS;
    const text = isLast ? undefined : this.#take(LEAF);
    if (text !== undefined) return { text, isCut: false };
    this.#isOver = true;
    const beginning = isLast ? undefined : this.#take(CUT_LEAF);
    return beginning === undefined
      ? undefined
      : { text: beginning, isCut: true };
  }

  #key(): string | undefined {
    const name = this.#take(NAME) ?? this.#take(STRING);
    if (name === undefined || !this.#skip(": ")) return undefined;
    return name.startsWith('"') ? `[${name}]` : propertyStep(name);
  }

  #isNext(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #skip(text: string): boolean {
    const isNext = this.#isNext(text);
    if (isNext) this.#at += text.length;
    return isNext;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }
}

/** Two parts that are not the same, although they may be shown alike. */
export interface ShownDifference {
  readonly path: string;
  /** `undefined` if there is no such part. */
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/**
 * How two parts differ that are known to: where what is shown leaves no doubt, or else
 * in the one place where it does not show all. Empty if there are several of these.
 */
export function shownDifferences(
  left: Shown,
  right: Shown,
  path: string,
): readonly ShownDifference[] {
  const { certain, possible, hidden } = new Comparison(left, right, path);
  if (certain.length > 0) return certain;
  return possible.length === 1 && hidden === 0 ? possible : [];
}

/** Data that is written out. Others may stand for the same content: files at other paths, a job, which is shown by its name, and its result. */
const DATA =
  /^(?:".*|-?\d.*|-?Infinity|NaN|true|false|null|undefined|Invalid Date|Date\(.*|[A-Za-z]\w*\(\d+\))$/s;
/** Of which the size alone is written. */
const SIZE_ALONE = /^[A-Za-z]\w*\(\d+\)$/;

class Comparison {
  /** Parts that differ by what is shown of them. */
  readonly certain: ShownDifference[] = [];
  /** Parts that may differ in what is not. */
  readonly possible: ShownDifference[] = [];
  /** Places where the previews show nothing that could be told. */
  hidden = 0;

  constructor(left: Shown, right: Shown, path: string) {
    this.#compare(left, right, path);
  }

  #compare(left: Shown, right: Shown, path: string): void {
    const difference = { path, left: left.text, right: right.text };
    if (haveOneShape(left, right)) {
      this.#compareParts(left, right, path);
    } else if (!isData(left) || !isData(right)) {
      if ([left.text, right.text].includes(ELLIPSIS)) this.hidden++;
      else this.possible.push(difference);
    } else if (areOther(left, right)) {
      this.certain.push(difference);
    } else if (left.isCut || right.isCut) {
      this.hidden++;
    } else if (SIZE_ALONE.test(left.text)) {
      this.possible.push(difference);
    }
  }

  #compareParts(left: Shown, right: Shown, path: string): void {
    const ones = left.parts!, others = right.parts!;
    for (const step of new Set([...ones.keys(), ...others.keys()])) {
      const one = ones.get(step), other = others.get(step);
      if (one !== undefined && other !== undefined) {
        this.#compare(one, other, path + step);
      } else if (!(one === undefined ? left : right).isCut) {
        this.certain.push({
          path: path + step,
          left: one?.text,
          right: other?.text,
        });
      }
    }
    if (left.isCut || right.isCut) this.hidden++;
  }
}

function haveOneShape(left: Shown, right: Shown): boolean {
  return left.parts !== undefined && right.parts !== undefined &&
    left.text[0] === right.text[0];
}

function isData({ text, parts }: Shown): boolean {
  return parts !== undefined || DATA.test(text);
}

function areOther(left: Shown, right: Shown): boolean {
  const one = visible(left), other = visible(right);
  const mayBeSame = left.isCut && other.startsWith(one) ||
    right.isCut && one.startsWith(other);
  return one !== other && !mayBeSame;
}

function visible({ text, isCut }: Shown): string {
  return isCut ? text.slice(0, -ELLIPSIS.length) : text;
}
