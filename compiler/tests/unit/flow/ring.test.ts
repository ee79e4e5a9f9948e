// The ring around a core: every port is connected, and Verilator has nothing to say about it.
import { describe, expect, it } from "vitest";
import { corePorts, createRing, RING_MODULE } from "../../../flow/ring.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf } from "../verify/designs.ts";
import { inFolder, run } from "../verilog/run-tools.ts";

const design = designOf(classifier("gate", [8, 4, 3]));
const rtl = design.manifest.rtl!;
const { ring, core } = createRing(rtl);
const top = design.files.get(`rtl/${rtl.top}.v`) as string;

describe("the ring", () => {
  it("knows the ports of the core as the Verilog declares them", () => {
    const declared = [...top.matchAll(/^ {4}(input|output) +wire +(?:\[(\d+):0\] +)?(\w+),?$/gm)].map(
      ([, direction, msb = "0", name]) => ({ name, direction, width: Number(msb) + 1 }),
    );
    expect(declared.length).toBeGreaterThan(9);
    const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
      a.name! < b.name! ? -1 : 1;
    const aclk = { name: "aclk", direction: "input", width: 1 };
    expect([aclk, ...corePorts(rtl)].sort(byName)).toEqual([...declared].sort(byName));
  });

  it("drives every input from a flip-flop of its own", () => {
    const drivers = [...ring.matchAll(/drive\[(\d+)(?::(\d+))?\]\)/g)].flatMap(([, high, low]) => {
      const last = Number(low ?? high);
      return Array.from({ length: Number(high) - last + 1 }, (_, i) => last + i);
    });
    const inputs = corePorts(rtl).filter((p) => p.direction === "input");
    const bits = inputs.reduce((sum, { width }) => sum + width, 0);
    expect([...drivers].sort((a, b) => a - b)).toEqual(Array.from({ length: bits }, (_, i) => i));
  });

  it.skipIf(!hasTool("verilator"))("is clean under the lint, around the Verilog of the core", () => {
    const lint = (files: ReadonlyMap<string, string | Uint8Array>, sources: readonly string[]): string =>
      inFolder(files, (folder) => {
        const args = ["--lint-only", "-Wall", "--top-module", RING_MODULE, ...sources];
        return run(folder, "verilator", args).stderr;
      });
    const files = new Map([...design.files, ["nf_ring.v", ring], ["core.v", core]]);
    expect(lint(files, [...rtl.sources, "nf_ring.v"])).toBe("");
    // The stand-in has the same ports: nothing of the connections is wrong.
    expect(lint(files, ["core.v", "nf_ring.v"])).not.toMatch(/PIN|WIDTH|IMPLICIT|%Error:.*syntax/);
  });
});
