import { numberOf } from "../child.ts";
import { inTurn, type Question, type Row } from "../question.ts";

const BYTES = 100_000_000;

/** A large array on its way to a web worker and back, and one that many jobs take. */
export const largeTransport: Question = {
  name: "large transport",
  measure({ quick }) {
    const times = quick ? 5 : 9;
    const rounds = quick ? 3 : 5;
    const { sum, bareSum, echo, bareEcho, given, bareGiven } = inTurn(rounds, {
      sum: () => numberOf("large_transport.ts", "sum", BYTES, times),
      bareSum: () => numberOf("limit_large_transport.ts", "sum", BYTES, times),
      echo: () => numberOf("large_transport.ts", "echo", BYTES, times),
      bareEcho: () =>
        numberOf("limit_large_transport.ts", "echo", BYTES, times),
      given: () => numberOf("large_transport.ts", "given", BYTES, times),
      bareGiven: () =>
        numberOf("limit_large_transport.ts", "given", BYTES, times),
    });
    const rows: Row[] = [{
      name: "100 MB that the caller keeps to a web worker, its sum back",
      unit: "ms",
      measured: sum,
      limit: { name: "one copy, bare transfer", ...bareSum },
      promised: "at most 1.3 ×",
    }, {
      name: "100 MB that the caller keeps to a web worker and back",
      unit: "ms",
      measured: echo,
      limit: { name: "one copy, bare transfer there and back", ...bareEcho },
    }, {
      name: "100 MB given away to a web worker, read there, and back",
      unit: "ms",
      measured: given,
      limit: { name: "bare transfer there and back", ...bareGiven },
      promised: "at most 1.3 ×",
    }];
    if (Deno.build.os !== "linux") return rows;
    for (const { how, workers, name, limit, promised } of SHARED) {
      for (const what of how === "kept" ? ["memory"] : ["memory", "time"]) {
        const args = [what, how, workers, 64, BYTES];
        const samples = inTurn(rounds, {
          measured: () => numberOf("shared_argument.ts", ...args),
          limit: () => numberOf("limit_shared_argument.ts", ...args),
        });
        const isTime = what === "time";
        rows.push({
          name: `64 jobs with ${name}, ${
            isTime ? "all" : `for each of ${workers} web workers`
          }`,
          unit: isTime ? "ms" : "MB",
          measured: samples.measured,
          limit: { name: limit, ...samples.limit },
          ...(isTime ? {} : { promised }),
        });
      }
    }
    return rows;
  },
};

/** Ways to give many jobs the same array. */
const SHARED = [
  { how: "kept", workers: 2 },
  { how: "kept", workers: 4 },
  { how: "shared", workers: 2, promised: "at most 130 MB" },
  { how: "made", workers: 2, promised: "at most 130 MB" },
].map(({ how, ...more }) => ({
  how,
  ...more,
  name: how === "kept"
    ? "the same 100 MB"
    : how === "shared"
    ? "the same 100 MB, shared by hi.share"
    : "the same 100 MB, made in shared memory",
  limit: how === "kept"
    ? "one in shared memory, one in each worker"
    : how === "shared"
    ? "one copy in shared memory"
    : "bare shared memory",
}));
