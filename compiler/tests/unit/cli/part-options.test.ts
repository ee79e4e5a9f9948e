// What the options for a part ask of the solver, and which of them go together.
import { expect, it } from "vitest";
import { type PartOptions, partWishOf } from "../../../cli/part-options.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";

const wish = (options: PartOptions) => partWishOf(options, 50, 784);
const problem = (options: PartOptions): string => {
  try {
    wish(options);
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics[0]!.message;
    throw error;
  }
  return "";
};

it("asks for the model's interval, a rate, an interval, a latency or the fastest", () => {
  const target = "xc7";
  expect(wish({})).toBeUndefined();
  expect(wish({ target })).toEqual({ target, goal: { kind: "interval", cycles: 784 } });
  expect(wish({ target, rate: "30000" })).toEqual({ target, goal: { kind: "interval", cycles: 1666 } });
  expect(wish({ target, rate: "max" })).toEqual({ target, goal: { kind: "fastest" } });
  expect(wish({ target, interval: 100 })).toEqual({ target, goal: { kind: "interval", cycles: 100 } });
  expect(wish({ target, latency: 100 })).toEqual({ target, goal: { kind: "latency", cycles: 100 } });
});

it("refuses what makes no sense", () => {
  expect(problem({ interval: 5 })).toBe("--interval: it belongs to --target");
  expect(problem({ target: "xc7", rate: "5", latency: 5 })).toBe("--latency: it goes against --rate");
  expect(problem({ target: "xc7", rate: "fast" })).toBe(
    "--rate: neither a number of inferences per second nor max",
  );
  expect(problem({ target: "xc7", rate: "1e9" })).toBe(
    "--rate: more than one inference in each cycle of 50 MHz",
  );
  for (const interval of [0, 1e9 + 1])
    expect(problem({ target: "xc7", interval })).toBe("--interval: between 1 and 1000000000 cycles");
  expect(problem({ target: "xc7", rate: "0.01" })).toBe(
    "--rate: an inference takes more than 1000000000 cycles of 50 MHz",
  );
  for (const rate of ["0x10", " 5 ", "-5", "0", ""])
    expect(problem({ target: "xc7", rate })).toBe(
      "--rate: neither a number of inferences per second nor max",
    );
});
