// The gate can fail: one changed bit, constant, line or figure is found, and the report says where.
import { describe, expect, test } from "vitest";
import { simulate } from "../../../sim/simulate.ts";
import { bytesOf } from "../../../support/file-set.ts";
import { createCRunner } from "../../../tools/c-compiler.ts";
import { createVerilatorRunner } from "../../../tools/verilator.ts";
import { type BackendResult, describeDivergence } from "../../../verify/result.ts";
import { type Design, verifyDesign } from "../../../verify/verify.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf, images } from "./designs.ts";
import { edited, flipCWeight, flipVerilogBias, flipVerilogWeight, moduleFault } from "./faults.ts";

const PIXELS = 24;
const DEAD_PIXEL = 5;
const DEAD_NEURON = 3;
const SAMPLES = 40;

const design = designOf(classifier("gate", [PIXELS, 8, 8, 4], { deadNeuron: DEAD_NEURON }), {
  folding: { fc1: { pe: 4, simd: 2 }, fc2: { pe: 2, simd: 3 } },
});
const inputs = images(PIXELS, SAMPLES, [DEAD_PIXEL]);
const samples = { count: SAMPLES, inputs };
const c = createCRunner();
const rtl = createVerilatorRunner();

async function verifyC(of: Design): Promise<BackendResult> {
  return (await verifyDesign(of, samples, { seed: 1, without: ["rtl"] }, { c })).c!;
}

async function verifyRtl(of: Design): Promise<BackendResult> {
  return (await verifyDesign(of, samples, { seed: 1, without: ["c"] }, { rtl })).rtl!;
}

function withFigure(figure: "latencyCycles" | "intervalCycles", by: number): Design {
  const manifest = design.manifest.rtl!;
  return {
    ...design,
    manifest: { ...design.manifest, rtl: { ...manifest, [figure]: manifest[figure] + by } },
  };
}

test("no sample reaches the places that the faults below are put at", () => {
  const values = simulate(design.program, new Map([["image", inputs]]), SAMPLES).values;
  for (let n = 0; n < SAMPLES; n++) {
    expect(inputs[n * PIXELS + DEAD_PIXEL]).toBe(0);
    expect(values.get("fc1.out")![n * 8 + DEAD_NEURON]).toBe(0);
  }
});

describe.skipIf(!hasTool("verilator"))("Verilog", () => {
  test("passes when nothing is changed, with the manifest's cycles", async () => {
    const result = await verifyRtl(design);
    expect(result).toMatchObject({
      status: "passed",
      mismatches: 0,
      latencyCycles: design.manifest.rtl!.latencyCycles,
      intervalCycles: design.manifest.rtl!.intervalCycles,
    });
    expect(result.vectors).toBeGreaterThan(SAMPLES);
  });

  test("passes with files as bytes, as they are read from disk", async () => {
    const files = new Map([...design.files].map(([path, content]) => [path, bytesOf(content)]));
    expect(await verifyRtl({ ...design, files })).toMatchObject({ status: "passed", mismatches: 0 });
  });

  test.each([
    ["a weight of the first layer", "fc1", 2, 7, 0],
    ["the sign of a weight of an always-zero pixel", "fc1", 6, DEAD_PIXEL, 1],
    ["a weight into a neuron that never fires", "fc1", DEAD_NEURON, 11, 0],
    ["a weight behind a neuron that never fires", "fc2", 5, DEAD_NEURON, 2],
    ["a weight of the last layer", "fc3", 3, 7, 3],
  ])("one bit of %s is found at its place", async (_, layer, neuron, input, bit) => {
    const result = await verifyRtl(flipVerilogWeight(design, layer, neuron, input, bit));
    expect(result.status).toBe("failed");
    expect(result.mismatches).toBeGreaterThan(0);
    expect(result.divergence).toMatchObject({
      layer,
      value: `${layer}.sum`,
      kind: "accumulator",
      channel: neuron,
    });
    expect(result.divergence!.cycle).toBeGreaterThan(0);
    expect(result.divergence!.cause).toContain(`the weight of neuron ${neuron} for input ${input}`);
    expect(result.reason).toBe(describeDivergence(result.divergence!));
  });

  test("one bit of a bias is found at its place", async () => {
    const result = await verifyRtl(flipVerilogBias(design, "fc2", 6));
    expect(result.divergence).toMatchObject({ layer: "fc2", value: "fc2.sum", channel: 6 });
    expect(result.divergence!.cause).toContain("the bias of neuron 6");
    expect(result).toMatchObject({ causeClass: "constant", divergence: { causeClass: "constant" } });
  });

  test("a rounding constant that is one too small is found where it shows first", async () => {
    const result = await verifyRtl(moduleFault(design, "nf_requantize", "adds one less than the half"));
    expect(result.divergence).toMatchObject({ layer: "fc1", kind: "stream" });
    expect(result.divergence!.cause).toMatch(/rounding constant: the design adds \d+, the program says \d+/);
  });

  test("a missing round is named", async () => {
    const result = await verifyRtl(moduleFault(design, "nf_requantize", "adds no half"));
    expect(result.divergence!.cause).toContain("rounds as truncate");
  });

  test.each([
    ["latencyCycles", 1],
    ["latencyCycles", -1],
    ["intervalCycles", 1],
    ["intervalCycles", -1],
  ] as const)("%s in the manifest that is off by %i fails", async (figure, by) => {
    const result = await verifyRtl(withFigure(figure, by));
    expect(result.status).toBe("failed");
    expect(result.mismatches).toBe(0);
    expect(result.reason).toContain(figure === "latencyCycles" ? "latency is" : "the interval is");
  });

  test("data that changes while the sink waits breaks the protocol", async () => {
    const result = await verifyRtl(
      edited(design, "rtl/nf_output_pair.v", /if \(free\) begin(\s+m_axis_tdata)/, "if (1'b1) begin$1"),
    );
    expect(result.status).toBe("failed");
    expect(result.reason).toMatch(/stalls|sink|broken off/);
  });

  test("a frame error that is not reported fails", async () => {
    const result = await verifyRtl(moduleFault(design, "nf_input", "does not report wrong framing"));
    expect(result.reason).toMatch(/wrong framing.*frame_error was high in 0 cycles/);
    expect(result.causeClass).toBe("handshake");
  });

  test("tready in reset fails", async () => {
    const result = await verifyRtl(
      edited(design, "rtl/nf_input.v", "aresetn && (free || discarding)", "(free || discarding)"),
    );
    expect(result.reason).toContain("s_axis_tready is high in reset");
  });

  test("Verilog that does not compile fails with the tool's words", async () => {
    const result = await verifyRtl(edited(design, "rtl/nf_requantize.v", "endmodule", "end module"));
    expect(result).toMatchObject({ status: "failed", mismatches: 0 });
    expect(result.reason).toMatch(/Verilator refuses[\s\S]*nf_requantize\.v/);
  });

  test("a memory image that is gone fails by name", async () => {
    const files = new Map(design.files);
    files.delete("rtl/fc2_bias.mem");
    const result = await verifyRtl({ ...design, files });
    expect(result.reason).toBe("the design lacks rtl/fc2_bias.mem");
  });
});

describe.skipIf(!hasTool("cc"))("C", () => {
  test("passes when nothing is changed", async () => {
    expect(await verifyC(design)).toMatchObject({ status: "passed", mismatches: 0 });
  });

  test.each([
    ["a weight of an always-zero pixel", "fc1", 6, DEAD_PIXEL, 1],
    ["a weight behind a neuron that never fires", "fc2", 5, DEAD_NEURON, 2],
  ])("one bit of %s is found at its place", async (_, layer, neuron, input, bit) => {
    const result = await verifyC(flipCWeight(design, layer, neuron, input, bit));
    expect(result.status).toBe("failed");
    expect(result.divergence).toMatchObject({
      layer,
      value: `${layer}.sum`,
      kind: "accumulator",
      channel: neuron,
    });
    expect(result.divergence!.cause).toContain(`the weight of neuron ${neuron} for input ${input}`);
  });

  test("a rounding constant is found in the first requantization", async () => {
    const result = await verifyC(
      edited(design, "c/nf_requantize_i32.h", "(x >> (shift - 1)) & 1", "((x - 1) >> (shift - 1)) & 1"),
    );
    expect(result.divergence).toMatchObject({ layer: "fc1", value: "fc1.in", kind: "stream" });
    expect(result.divergence!.cause).toContain("rounding");
  });

  test("undefined behaviour stops the run", async () => {
    const { prefix } = design.manifest.c!;
    const result = await verifyC(edited(design, `c/${prefix}.c`, /o < 8; o\+\+/, "o < 9; o++"));
    expect(result.status).toBe("failed");
    expect(result.reason).toMatch(/the C program stops[\s\S]*(overflow|out of bounds)/);
  });

  test("a warning is refused", async () => {
    const { prefix } = design.manifest.c!;
    const result = await verifyC(edited(design, `c/${prefix}.c`, "int32_t o;", "int32_t o; int32_t unused;"));
    expect(result.reason).toMatch(/the compiler refuses[\s\S]*unused/);
  });
});

describe("vectors", () => {
  const expected = (): Map<string, Float64Array> => {
    const values = simulate(design.program, new Map([["image", inputs]]), SAMPLES).values;
    return new Map(["fc3.sum", "class"].map((name) => [name, values.get(name)!.slice()]));
  };
  const none = { seed: 1, without: ["c", "rtl"] as const };

  test("right known outputs pass", async () => {
    const result = await verifyDesign(design, { ...samples, expected: expected() }, none, {});
    expect(result).toMatchObject({ status: "passed", sim: { status: "passed" }, c: { status: "skipped" } });
  });

  test("a known output that was changed cannot pass", async () => {
    const known = expected();
    known.get("fc3.sum")![17 * 4 + 2]! += 1;
    const result = await verifyDesign(design, { ...samples, expected: known }, none, {});
    expect(result.status).toBe("failed");
    expect(result.sim.divergence).toMatchObject({ layer: "fc3", vector: 17, channel: 2 });
  });
});
