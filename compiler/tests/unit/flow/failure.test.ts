// A failing tool's own words reach the user, with the file and what they mean.
import { describe, expect, it } from "vitest";
import { toolFailed } from "../../../flow/failure.ts";
import type { FlowTool } from "../../../flow/runners.ts";
import { type Diagnostic, DiagnosticError } from "../../../support/diagnostics.ts";

const yosys: FlowTool = {
  name: "Yosys",
  version: "0.55",
  origin: "native",
  run: () => Promise.reject(new Error("not run")),
  readShare: () => Promise.resolve(undefined),
};

function failure(log: string): Diagnostic {
  try {
    return toolFailed(yosys, "synthesising", log);
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics[0]!;
    throw error;
  }
}

describe("a tool that failed", () => {
  it.each([
    ["rtl/nf_dot.v:12: ERROR: syntax error, unexpected TOK_ID", /at rtl\/nf_dot\.v/, /changed by hand/],
    [
      "Warning: x\nrtl/a.v:3: ERROR: Can not open file `fc1_weights.mem` for \\$readmemh.",
      /at rtl\/a\.v/,
      /is not there/,
    ],
    [
      "ERROR: Unable to place cell 'a', no BELs remaining to implement cell type 'ICESTORM_RAM'",
      /ICESTORM_RAM/,
      /too full/,
    ],
    ["ERROR: Failed to route arc 1 of net 'x'", /Failed to route/, /another --seed/],
    [
      "ERROR: Module `\\nf_dense' referenced in module `\\top' is not part of the design.",
      /nf_dense/,
      /module.*missing/,
    ],
    ["RuntimeError: unreachable\n    at wasm://x", /unreachable/, /crashed/],
    ["ERROR: [Common 17-345] A valid license was not found", /17-345/, /licence/],
  ])("is quoted and explained: %s", (log, message, hint) => {
    const found = failure(log);
    const ofMachine = /wasm|license/.test(log);
    expect(found).toMatchObject(
      ofMachine
        ? { code: "flow/tool-failed", category: "environment" }
        : { code: "flow/refused", category: "input" },
    );
    expect(found.message).toMatch(/^Yosys 0\.55 failed while synthesising/);
    expect(found.message).toMatch(message);
    expect(found.hint).toMatch(hint);
  });

  it("is quoted where its words have no known meaning", () => {
    const found = failure("one\ntwo\nERROR: the moon is in the wrong phase\nthree\n2 warnings, 0 errors");
    expect(found.message).toBe(
      "Yosys 0.55 failed while synthesising:\n  ERROR: the moon is in the wrong phase",
    );
    expect(found).toMatchObject({ code: "flow/tool-failed", category: "environment" });
    expect(found.hint).toContain("no known meaning");
  });

  it("is said to have died where it said nothing", () => {
    expect(failure(" \n")).toMatchObject({ code: "flow/tool-died", category: "environment" });
  });
});
