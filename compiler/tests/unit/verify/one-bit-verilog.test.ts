// Faults in the Verilog of one-bit layers, thresholds, shifts per channel and selects: each is found, at its place.
import { describe, expect, test } from "vitest";
import { flipMemoryBit } from "../../../../rtl-tests/mutation/constant-faults.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Format } from "../../../program/program.ts";
import { createRandom } from "../../../support/random.ts";
import { createVerilatorRunner } from "../../../tools/verilator.ts";
import type { BackendResult } from "../../../verify/result.ts";
import { type Design, verifyDesign } from "../../../verify/verify.ts";
import { hasTool } from "../../tools-present.ts";
import { designOf } from "./designs.ts";
import { edited, flipVerilogWeight } from "./faults.ts";

const BITS: Format = { kind: "bipolar", fraction: 0 };

/** Bits of some pixels; bits by bits, thresholds to integers, integers by bits, shifts per channel. */
function oneBitDesign(): Design {
  const random = createRandom(7, "one bit");
  const bits = (count: number): number[] => Array.from({ length: count }, () => random.integer(0, 1));
  const builder = createProgramBuilder("onebit");
  let x = builder.input({ name: "image", shape: [12], format: intFormat(false, 8, 8) });
  const step = { thresholds: Array.from({ length: 12 }, (_, i) => 20 * i + 10), levels: 1, base: 0 };
  x = builder.threshold({ layer: "image", name: "image.bit", input: x, ...step, format: BITS });
  x = builder.select({ layer: "image", name: "kept", input: x, indices: [0, 2, 3, 4, 7, 8, 10] });
  let weights = { units: 6, data: bits(42), format: BITS };
  x = builder.dense({ layer: "fc1", name: "fc1.sum", input: x, weights, bias: [1, -2, 3, 0, 1, -1] });
  const levels = {
    thresholds: Array.from({ length: 18 }, (_, i) => 2 * (i % 3) - (i >> 3) - 2),
    levels: 3,
    base: -1,
  };
  x = builder.threshold({
    layer: "fc1",
    name: "fc1.out",
    input: x,
    ...levels,
    format: intFormat(true, 3, 0),
  });
  weights = { units: 5, data: bits(30), format: { kind: "bipolar", fraction: [0, 1, 2, 0, 3] } };
  x = builder.dense({ layer: "fc2", name: "fc2.sum", input: x, weights });
  x = builder.requantize({ layer: "fc2", name: "fc2.out", input: x, format: intFormat(true, 4, 0) });
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "class", name: "class", input: x }), "class");
  const folding = { fc1: { pe: 4, simd: 3 }, fc2: { pe: 2, simd: 2 } };
  return designOf(builder.build(), { intervalCycles: 6, folding });
}

describe.skipIf(!hasTool("verilator"))("Verilog of one-bit layers", () => {
  const design = oneBitDesign();
  const runner = createVerilatorRunner();
  const verify = async (of: Design): Promise<BackendResult> =>
    (await verifyDesign(of, undefined, { seed: 1, without: ["c"] }, { rtl: runner })).rtl!;

  test("passes when nothing is changed", async () => {
    const { latencyCycles, intervalCycles } = design.manifest.rtl!;
    expect(await verify(design)).toMatchObject({ status: "passed", latencyCycles, intervalCycles });
  });

  test.each([
    ["fc1", 5, 6],
    ["fc2", 4, 5],
  ] as const)("a weight of %s is found at its place", async (layer, neuron, input) => {
    const result = await verify(flipVerilogWeight(design, layer, neuron, input, 0));
    expect(result.divergence).toMatchObject({ layer, value: `${layer}.sum`, channel: neuron });
    expect(result.divergence!.cause).toContain(`the weight of neuron ${neuron} for input ${input}`);
  });

  test("a threshold is found in its channel", async () => {
    // Lane 1 of the second word of 4 lanes x 3 levels.
    const width = design.manifest.rtl!.taps.find((t) => t.value === "fc1.sum")!.width;
    const result = await verify(flipMemoryBit(design, "rtl/fc1_thresholds.mem", 1, 1 * 3 * width + 1));
    expect(result.divergence).toMatchObject({ layer: "fc1", value: "fc1.out", channel: 5 });
    expect(result.divergence!.cause).toContain("threshold of channel 5");
  });

  test("a shift is found in its channel", async () => {
    const result = await verify(flipMemoryBit(design, "rtl/fc2_shifts.mem", 1, 1));
    expect(result.divergence).toMatchObject({ layer: "fc2", value: "fc2.out", channel: 2 });
  });

  test("an element that is kept in place of another is found", async () => {
    // Beats of two lanes: element 3 goes, element 5 comes.
    const moved = flipMemoryBit(
      flipMemoryBit(design, "rtl/image_mask.mem", 1, 1),
      "rtl/image_mask.mem",
      2,
      1,
    );
    expect((await verify(moved)).divergence).toMatchObject({ layer: "image", value: "kept", channel: 2 });
  });

  test.each([
    ["lanes beyond the vector that count", "rtl/nf_dense.v", "!last[0];", "1'b1;", "fc1.sum"],
    ["equal bits that count as different", "rtl/nf_dot.v", "!(a ^ b)", "(a ^ b)", "fc1.sum"],
    ["a compare without the equal case", "rtl/nf_threshold.v", ">= $signed", "> $signed", "fc1.out"],
  ])("%s: found where it shows first", async (_, file, from, to, value) => {
    const result = await verify(edited(design, file, from, to));
    expect(result.divergence).toMatchObject({ value });
  });

  test("sums beyond the last one are found on the output's unused lanes", async () => {
    const result = await verify(edited(design, "rtl/nf_dense.v", "&& tail_out_fold;", "&& 1'b0;"));
    expect(result.reason).toMatch(/unused lane \d of output beat \d+ holds/);
  });

  test.each([
    ["is not handed on", "rtl/nf_select.v", "beat_drop ? !start :", "beat_drop ? 1'b0 :"],
    ["comes too early", "rtl/nf_sideband.v", "flags[DEPTH-1]", "flags[0]"],
    ["does not rewind the mask", "rtl/nf_beat_rom.v", "last || restart", "last"],
  ])("a broken packet's flag that %s is found", async (_, file, from, to) => {
    const result = await verify(edited(design, file, from, to));
    expect(result.status).toBe("failed");
    expect(result.reason).toContain("wrong framing");
  });
});
