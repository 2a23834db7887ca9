/**
 * Named resources: jobs that take more of one than there is wait for each other.
 *
 * Whoever takes several gets all of them at once or waits, so two jobs never
 * hold what the other one waits for. A job that waits blocks what it takes for
 * those behind it, so nobody is overtaken for ever. The jobs of a running job
 * take turns with what that one holds, and can take nothing else: it will not end
 * before they have, so that all that a job needs is taken before it starts.
 *
 * @module
 */

import { ResourceUnavailableError } from "./errors.ts";
import { Queue, type QueuePlace } from "./queue.ts";

/** Amounts by name. */
export type Amounts = Readonly<Record<string, number>>;

/** One job's share: what it waits for, or holds. */
export class Holding {
  /** The job, for messages. */
  readonly who: string;
  readonly amounts: Amounts;
  readonly order: number;
  readonly priority: number;
  readonly granted: () => void;
  place: QueuePlace<Holding> | undefined;
  isGranted = false;
  readonly #from: Resources;
  #children: Resources | undefined;

  constructor(
    from: Resources,
    who: string,
    amounts: Amounts,
    priority: number,
    order: number,
    granted: () => void,
  ) {
    this.who = who;
    this.#from = from;
    this.amounts = amounts;
    this.priority = priority;
    this.order = order;
    this.granted = granted;
  }

  /** What the jobs of the job that holds this take turns with. */
  get children(): Resources {
    return this.#children ??= new Resources(this.amounts);
  }

  /** Waits no more, or gives back what it held. */
  release(): void {
    this.#from.release(this);
  }
}

/** What there is, and who waits for it. */
export class Resources {
  readonly #capacity: Amounts;
  readonly #used = new Map<string, number>();
  /** Who waits, by what they take: among those who take the same, only the first can be next. */
  readonly #waiting = new Map<string, Queue<Holding>>();
  #lastOrder = 0;

  constructor(capacity: Amounts) {
    this.#capacity = capacity;
  }

  /** The name of what there can never be enough of for those amounts. */
  lacks(amounts: Amounts): string | undefined {
    return Object.keys(amounts).find((name) =>
      amounts[name]! > this.capacityOf(name)
    );
  }

  /** How much there is of a resource in all. */
  capacityOf(name: string): number {
    return Object.hasOwn(this.#capacity, name) ? this.#capacity[name]! : 0;
  }

  /** The names of all resources. */
  get names(): readonly string[] {
    return Object.keys(this.#capacity);
  }

  /** Waits for amounts that there can be; `granted` is called when they are there, which may be at once. */
  take(
    who: string,
    amounts: Amounts,
    priority: number,
    granted: () => void,
  ): Holding {
    const order = ++this.#lastOrder;
    const holding = new Holding(this, who, amounts, priority, order, granted);
    const kind = kindOf(amounts);
    let queue = this.#waiting.get(kind);
    if (queue === undefined) this.#waiting.set(kind, queue = new Queue());
    holding.place = queue.push(holding, priority);
    this.#grant();
    return holding;
  }

  release(holding: Holding): void {
    const { isGranted, amounts } = holding;
    if (isGranted) {
      holding.isGranted = false;
      for (const [name, amount] of Object.entries(amounts)) {
        this.#used.set(name, this.#used.get(name)! - amount);
      }
    } else {
      const kind = kindOf(amounts);
      const queue = this.#waiting.get(kind);
      if (!queue?.remove(holding.place)) return;
      if (queue.size === 0) this.#waiting.delete(kind);
    }
    this.#grant();
  }

  /** Gives what is free to those who are next. */
  #grant(): void {
    const blocked = new Set<string>();
    const heads = [...this.#waiting.values()];
    while (true) {
      let next: Queue<Holding> | undefined;
      for (const queue of heads) {
        if (queue.first === undefined) continue;
        if (next === undefined || isBefore(queue.first, next.first!)) {
          next = queue;
        }
      }
      if (next === undefined) return;
      const holding = next.first!;
      const names = Object.keys(holding.amounts);
      if (
        names.some((name) => blocked.has(name) || !this.#has(holding, name))
      ) {
        for (const name of names) blocked.add(name);
        heads.splice(heads.indexOf(next), 1);
        continue;
      }
      next.shift();
      if (next.size === 0) this.#waiting.delete(kindOf(holding.amounts));
      for (const name of names) {
        const used = this.#used.get(name) ?? 0;
        this.#used.set(name, used + holding.amounts[name]!);
      }
      holding.isGranted = true;
      // Never in the middle of this, or of what made room.
      queueMicrotask(() => holding.isGranted && holding.granted());
    }
  }

  #has({ amounts }: Holding, name: string): boolean {
    const used = this.#used.get(name) ?? 0;
    // Sums of shares such as 0.1 are not exact.
    return used + amounts[name]! <= this.capacityOf(name) + 1e-9;
  }
}

function kindOf(amounts: Amounts): string {
  return JSON.stringify(Object.entries(amounts).sort());
}

function isBefore(a: Holding, b: Holding): boolean {
  return a.priority > b.priority ||
    (a.priority === b.priority && a.order < b.order);
}

const pools = new WeakMap<Amounts, Resources>();

/** The resources of an option's value: jobs share them that have the very same object. */
export function resourcesOf(capacity: Amounts | null): Resources {
  const given = capacity ?? NOTHING;
  let resources = pools.get(given);
  if (resources === undefined) {
    pools.set(given, resources = new Resources(given));
  }
  return resources;
}

const NOTHING: Amounts = {};

/** Why a job cannot have what it takes, if that is so. */
export function resourceRefusal(
  who: string,
  amounts: Amounts,
  resources: Resources,
  parent: string | undefined,
): ResourceUnavailableError | undefined {
  const name = resources.lacks(amounts);
  if (name === undefined) return undefined;
  const [takes, has] = [amounts[name], resources.capacityOf(name)];
  return new ResourceUnavailableError(
    parent === undefined
      ? `Cannot run ${who} as it takes ${takes} of the resource ${name} and there is ${has}: say how much there is with hi.config({ resources: { ${name}: ${takes} } }, \u2026); there is ${
        resources.names.join(", ") || "none"
      }`
      : `Cannot run ${who} as it takes ${takes} of the resource ${name} and is a job of ${parent}, which holds ${has}: let ${parent} take what its jobs take, with limits: { ${name}: ${takes} }`,
  );
}
