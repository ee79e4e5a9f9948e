// Smallest integer programs in the gate: simulator = C = Verilog. In: programs. Out: verdicts of the back ends.
import { createCRunner } from "../../compiler/tools/c-compiler.ts";
import { createVerilatorRunner } from "../../compiler/tools/verilator.ts";
import { type BackendResult, describeDivergence } from "../../compiler/verify/result.ts";
import { type Design, verifyDesign } from "../../compiler/verify/verify.ts";

/** Runs the gate with synthetic vectors only; a back end that the design lacks is "skipped". */
export async function verdict(design: Design): Promise<Record<"c" | "rtl", string>> {
  const result = await verifyDesign(
    design,
    undefined,
    { seed: 3 },
    { c: createCRunner(), rtl: createVerilatorRunner() },
  );
  const say = (r: BackendResult): string =>
    r.status === "failed" ? (r.divergence ? describeDivergence(r.divergence) : r.reason!) : r.status;
  return { c: say(result.c!), rtl: say(result.rtl!) };
}
