import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ConsoleLine } from "../../mod.ts";
import { CONSOLE_LIMIT } from "../../lib/task.ts";
import { ConsoleRecord, makeConsole } from "../../lib/worker/console.ts";

function printed(body: (console: Console) => void): [string, string][] {
  const lines: [string, string][] = [];
  body(makeConsole((stream, text) => lines.push([stream, text])));
  return lines;
}

Deno.test("plain strings print as they are, on the stream of their method", () => {
  assertEquals(
    printed((console) => {
      console.log("a %s b");
      console.info("b");
      console.debug("c");
      console.warn("d");
      console.error("e");
    }),
    [
      ["stdout", "a %s b\n"],
      ["stdout", "b\n"],
      ["stdout", "c\n"],
      ["stderr", "d\n"],
      ["stderr", "e\n"],
    ],
  );
});

Deno.test("a plain string and a formatted one print alike", () => {
  for (const text of ["", "x", "100%", "two\nlines", "%s"]) {
    const [plain] = printed((console) => console.log(text));
    const [formatted] = printed((console) => console.log("%s", text));
    assertEquals(plain, formatted);
  }
});

Deno.test("groups indent what is inside of them, and no more", () => {
  assertEquals(
    printed((console) => {
      console.groupEnd();
      console.group("outer");
      console.log("one\ntwo");
      console.groupCollapsed("inner");
      console.error("three");
      console.groupEnd();
      console.groupEnd();
      console.log("four");
    }).map(([, text]) => text).join(""),
    "outer\n  one\n  two\n  inner\n    three\nfour\n",
  );
});

Deno.test("two consoles share no counters, timers or groups", () => {
  const count = (console: Console) => {
    console.group();
    console.count("n");
  };
  assertEquals(printed(count), printed(count));
});

Deno.test("every method of a job's console can be called", () => {
  const text = printed((console) => {
    console.dir({ a: 1 });
    console.dirxml({ b: 2 });
    console.table([{ c: 3 }]);
    console.trace("here");
    console.assert(true, "nothing");
    console.assert(false, "something");
    console.count();
    console.countReset();
    console.time();
    console.timeLog();
    console.timeEnd();
    console.clear();
  }).map(([, text]) => text).join("");
  for (const part of ["a: 1", "b: 2", "│", "here", "something", "default: "]) {
    assertStringIncludes(text, part);
  }
  assert(!text.includes("nothing"));
});

function line(text: string): ConsoleLine {
  return { stream: "stdout", text, time: 0 };
}

Deno.test("a record keeps everything up to its limit", () => {
  const record = new ConsoleRecord();
  record.add(line("x".repeat(CONSOLE_LIMIT - 1)));
  record.add(line("y"));
  assertEquals(record.lines().length, 2);
});

Deno.test("a record beyond its limit ends with the number of characters that are missing", () => {
  const record = new ConsoleRecord();
  record.add(line("x".repeat(CONSOLE_LIMIT - 1)));
  record.add(line("yz\n"));
  record.add(line("more\n"));
  const lines = record.lines();
  assertEquals(lines[1]!.text, "y");
  assertStringIncludes(lines[2]!.text, "7 more characters");
  assertEquals(lines.length, 3);
});
