import { failureOf } from "../parallel/pool.ts";

/** The error with which a job fails, which must be of that class. */
export async function failureAs<E extends Error>(
  job: PromiseLike<unknown>,
  type: abstract new (...args: never[]) => E,
): Promise<E> {
  const error = await failureOf(job);
  if (error instanceof type) return error;
  throw new TypeError(`the job failed otherwise than with ${type.name}`, {
    cause: error,
  });
}
