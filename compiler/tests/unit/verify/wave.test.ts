// The waveform of the first difference: cycles around it, the design's streams, and none where nothing can be shown.
import { describe, expect, test } from "vitest";
import { createVerilatorRunner } from "../../../tools/verilator.ts";
import type { BackendResult } from "../../../verify/result.ts";
import { type Design, verifyDesign } from "../../../verify/verify.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf } from "./designs.ts";
import { edited, flipVerilogWeight } from "./faults.ts";

const CYCLES = 20;
const rtl = createVerilatorRunner();
const design = designOf(classifier("wave", [12, 6, 4]), { folding: { fc1: { pe: 2, simd: 3 } } });

async function waveOf(
  of: Design,
): Promise<{ found: BackendResult; waves: { vcd: string; cycle: number }[] }> {
  const waves: { vcd: string; cycle: number }[] = [];
  const keep = (vcd: Uint8Array, cycle: number): void =>
    void waves.push({ vcd: new TextDecoder().decode(vcd), cycle });
  const options = { seed: 1, without: ["c"], wave: { cycles: CYCLES, keep } } as const;
  const result = await verifyDesign(of, undefined, options, { rtl });
  return { found: result.rtl!, waves };
}

/** Times of a VCD, in clock cycles. */
const cyclesOf = (vcd: string): readonly number[] =>
  [...vcd.matchAll(/^#(\d+)$/gm)].map(([, time]) => Number(time) / 10);

/** What a signal of a VCD holds at the end of a cycle, as binary digits. */
function valueAt(vcd: string, signal: string, cycle: number): string | undefined {
  const code = new RegExp(`\\$var \\w+ +\\d+ (\\S+) ${signal} `).exec(vcd)![1]!;
  let value: string | undefined;
  let time = 0;
  for (const line of vcd.slice(vcd.indexOf("$enddefinitions")).split("\n")) {
    if (line.startsWith("#")) time = Number(line.slice(1));
    if (time > 10 * cycle) break;
    if (line === `b${line.slice(1).split(" ")[0]} ${code}`) value = line.slice(1).split(" ")[0];
    else if (line.slice(1) === code) value = line[0];
  }
  return value;
}

describe.skipIf(!hasTool("verilator"))("a waveform", () => {
  test("has the cycles around a wrong sum, and shows it on its stream", async () => {
    const { found, waves } = await waveOf(flipVerilogWeight(design, "fc1", 3, 7, 1));
    expect(waves).toHaveLength(1);
    const { vcd, cycle } = waves[0]!;
    const { divergence } = found;
    expect(cycle).toBe(divergence!.cycle);
    const cycles = cyclesOf(vcd);
    expect(cycles[0]).toBe(Math.max(0, cycle - CYCLES));
    expect(Math.floor(cycles[cycles.length - 1]!)).toBe(cycle + CYCLES);
    for (const signal of ["s_axis_tdata", "m_axis_tvalid", "fc1_quantized_data", "fc1_sums_ready"])
      expect(vcd).toMatch(new RegExp(`\\$var wire +\\d+ \\S+ ${signal} `));
    const width = design.manifest.rtl!.taps.find((tap) => tap.value === "fc1.sum")!.width;
    const bits = valueAt(vcd, "fc1_sums_data", cycle)!.padStart(2 * width, "0");
    const lane = divergence!.channel % 2;
    const seen = bits.slice(bits.length - (lane + 1) * width, bits.length - lane * width);
    expect(BigInt.asIntN(width, BigInt(`0b${seen}`))).toBe(BigInt(divergence!.got!));
    expect(valueAt(vcd, "fc1_sums_valid", cycle)).toBe("1");
  });

  test("has the cycle at which a rule of the protocol is broken", async () => {
    const { found, waves } = await waveOf(
      edited(design, "rtl/nf_input.v", "aresetn && (free || discarding)", "(free || discarding)"),
    );
    expect(found).toMatchObject({ status: "failed", causeClass: "handshake", cycle: waves[0]!.cycle });
    expect(valueAt(waves[0]!.vcd, "aresetn", waves[0]!.cycle)).toBe("0");
    expect(valueAt(waves[0]!.vcd, "s_axis_tready", waves[0]!.cycle)).toBe("1");
  });

  test("is not there where nothing differs, or nothing ran", async () => {
    expect((await waveOf(design)).waves).toEqual([]);
    const broken = await waveOf(edited(design, "rtl/nf_requantize.v", "endmodule", "end module"));
    expect(broken.found.status).toBe("failed");
    expect(broken.waves).toEqual([]);
  });
});
