// The ring around a core: every port is connected, and Verilator has nothing to say about it.
import { describe, expect, it } from "vitest";
import { corePorts, createRing, RING_MODULE } from "../../../flow/ring.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf } from "../verify/designs.ts";
import { inFolder, run } from "../verilog/run-tools.ts";

/** Two inputs and two outputs, whose ports have names of their own. */
function twoPorts(): Program {
  const b = createProgramBuilder("pair");
  const format = intFormat(true, 4, 0);
  const left = b.input({ name: "left", shape: [3], format });
  const right = b.input({ name: "right", shape: [3], format });
  b.output("sum", b.add({ layer: "sum", name: "sum", inputs: [left, right] }), "value");
  b.output("difference", b.subtract({ layer: "difference", name: "d", inputs: [left, right] }), "value");
  return b.build();
}

const DESIGNS = [classifier("gate", [8, 4, 3]), twoPorts()].map((program) => {
  const { files, manifest } = designOf(program, { outputs: program.name === "gate" ? "both" : "logits" });
  const rtl = manifest.rtl!;
  return { name: program.name, files, rtl, ...createRing(rtl) };
});

describe("the ring", () => {
  it.each(DESIGNS)("knows the ports of $name as its Verilog declares them", ({ files, rtl }) => {
    const top = files.get(`rtl/${rtl.top}.v`) as string;
    const declared = [...top.matchAll(/^ {4}(input|output) +wire +(?:\[(\d+):0\] +)?(\w+),?$/gm)].map(
      ([, direction, msb = "0", name]) => ({ name, direction, width: Number(msb) + 1 }),
    );
    expect(declared.length).toBeGreaterThan(9);
    const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
      a.name! < b.name! ? -1 : 1;
    const aclk = { name: "aclk", direction: "input", width: 1 };
    expect([aclk, ...corePorts(rtl)].sort(byName)).toEqual([...declared].sort(byName));
  });

  it.each(DESIGNS)("drives every input of $name from a flip-flop of its own", ({ rtl, ring }) => {
    const drivers = [...ring.matchAll(/drive\[(\d+)(?::(\d+))?\]\)/g)].flatMap(([, high, low]) => {
      const last = Number(low ?? high);
      return Array.from({ length: Number(high) - last + 1 }, (_, i) => last + i);
    });
    const inputs = corePorts(rtl).filter((p) => p.direction === "input");
    const bits = inputs.reduce((sum, { width }) => sum + width, 0);
    expect([...drivers].sort((a, b) => a - b)).toEqual(Array.from({ length: bits }, (_, i) => i));
  });

  describe.skipIf(!hasTool("verilator"))("under the lint", () => {
    const lint = (files: ReadonlyMap<string, string | Uint8Array>, sources: readonly string[]): string =>
      inFolder(files, (folder) => {
        const args = ["--lint-only", "-Wall", "--top-module", RING_MODULE, ...sources];
        return run(folder, "verilator", args).stderr;
      });

    it.each(DESIGNS)("is clean around the Verilog of $name", ({ files, rtl, ring, core }) => {
      const all = new Map([...files, ["nf_ring.v", ring], ["core.v", core]]);
      expect(lint(all, [...rtl.sources, "nf_ring.v"])).toBe("");
      // The stand-in has the same ports: nothing of the connections is wrong.
      expect(lint(all, ["core.v", "nf_ring.v"])).not.toMatch(/PIN|WIDTH|IMPLICIT|%Error:.*syntax/);
    });
  });
});
