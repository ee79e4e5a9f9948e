// What streams are stored in, as Yosys makes it, against what the estimate says of it.
import { expect, it } from "vitest";
import { estimateArea } from "../../../estimate/estimate.ts";
import { synthesize } from "../../../flow/synthesize.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { StorageStyle } from "../../../schedule/folding.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { targetNamed } from "../../../targets/targets.ts";
import { createFlowTools } from "../../../tools/flow-tools.ts";
import { isNightly } from "../../nightly.ts";
import { designOf, WISHES } from "../verify/designs.ts";

const npm = createFlowTools({ projectFolder: process.cwd(), path: "" });
const xc7 = targetNamed("xc7")!;
const TIMEOUT = 300_000;

/** A window of 2 x 40 words of 8 bits before one sum. */
function program() {
  const b = createProgramBuilder("stored");
  const x = b.input({ name: "x", shape: [40], format: intFormat(false, 8, 8) });
  const data = Array.from({ length: 40 }, (_, i) => (i % 3) - 1);
  const weights = { units: 1, data, format: intFormat(true, 2, 1) };
  b.output("y", b.dense({ layer: "fc", name: "y", input: x, weights }), "value");
  return b.build();
}

const STYLES = [
  ["registers", 0],
  ["distributed", 0],
  ["block", 0.5],
] as const;

it.each(isNightly() ? STYLES : STYLES.slice(0, 1))(
  "streams are stored in: %s",
  async (style: StorageStyle, blocks) => {
    const wishes = { storage: { fc: style } };
    const { manifest, files } = designOf(program(), wishes);
    const progress = { line: () => undefined, update: () => undefined };
    const { result } = await synthesize({
      manifest: manifest.rtl!,
      files,
      target: xc7,
      seed: 1,
      tools: npm,
      progress,
    });
    const { stages } = scheduleProgram(program(), { ...WISHES, ...wishes });
    const { total } = estimateArea(program(), stages, xc7);
    expect(result.used.bram).toBe(Math.ceil(blocks));
    expect(total.bram).toBe(result.used.bram);
    expect(Math.abs(total.lut / result.used.lut - 1)).toBeLessThan(0.35);
    expect(Math.abs(total.ff / result.used.ff - 1)).toBeLessThan(0.2);
  },
  TIMEOUT,
);
