// A small share of `make mutate`: on two small designs the gate finds every fault that is drawn, of every kind, and says of most
// what they are. And the parts of a campaign: places are where they are said to be, draws are the same every time, and what
// cannot show is proved.
import { describe, expect, test } from "vitest";
import { fixedFile } from "../../compiler/render/render.ts";
import { hasTool } from "../../compiler/tests/tools-present.ts";
import { createCRunner } from "../../compiler/tools/c-compiler.ts";
import { createVerilatorRunner } from "../../compiler/tools/verilator.ts";
import { drawFaults, judgeFault, judgeOriginal, type MutantResult, subjectOf } from "./campaign.ts";
import { convDesign, denseDesign } from "./designs.ts";
import { type FaultKind, KINDS, NOT_IN, textOf } from "./fault.ts";
import { registerProof } from "./register-proof.ts";
import { killRate, RIGHT_CLASSES, summaryText } from "./summary.ts";

const SEED = 1;
const VERILOG_MUTANTS = 28;
const C_MUTANTS = 10;
const TIMEOUT = 300_000;
/**
 * The branch beside this one holds it up but for its first words: whether one of those is late is left to the chance of the stalls.
 * The one survivor that is known and not proved to be equivalent.
 */
const isThrottled = ({ kind, place }: MutantResult): boolean =>
  kind === "stale line buffer" && place === "layer_short_lines";
const kinds = Object.keys(KINDS) as FaultKind[];
const designs = [
  ["dense", denseDesign()],
  ["conv", convDesign()],
] as const;
const runners = { c: createCRunner(), rtl: createVerilatorRunner() };
const results: MutantResult[] = [];

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("mutants of a small design", () => {
  test.each(designs)(
    "%s: all are killed, but for what is proved to show nowhere",
    async (_, design) => {
      const subject = subjectOf(design, SEED);
      expect(await judgeOriginal(subject, runners, SEED)).toBeUndefined();
      const of = (backend: "rtl" | "c", count: number) =>
        drawFaults({ ...subject, faults: subject.faults.filter((f) => f.backend === backend) }, count, SEED);
      for (const fault of [...of("rtl", VERILOG_MUTANTS), ...of("c", C_MUTANTS)])
        results.push(await judgeFault(subject, fault, runners, SEED));
      const left = results.filter(({ verdict }) => verdict === "survived" || verdict === "invalid");
      expect(left.filter((result) => !isThrottled(result))).toEqual([]);
    },
    TIMEOUT,
  );

  test("nearly every class that is told is a right one", () => {
    const told = results.filter(({ causeClass }) => causeClass !== undefined && causeClass !== "unknown");
    const wrong = told.filter(({ kind, causeClass }) => !RIGHT_CLASSES[kind].includes(causeClass!));
    expect(told.length).toBeGreaterThan(0.7 * results.length);
    expect(wrong.length).toBeLessThanOrEqual(0.15 * told.length);
  });
});

describe("places", () => {
  test("every kind has one in one of the designs, in each language that has the kind", () => {
    const subjects = designs.map(([, design]) => subjectOf(design, SEED));
    for (const backend of ["rtl", "c"] as const)
      for (const kind of kinds.filter((k) => !NOT_IN[backend].includes(k)))
        expect(
          subjects.some(({ faults }) => faults.some((f) => f.backend === backend && f.kind === kind)),
          `${kind} in ${backend}`,
        ).toBe(true);
  });

  test("a fault changes the design, and no two of them change it alike", () => {
    for (const [, design] of designs) {
      const { rtl, c, faults } = subjectOf(design, SEED);
      const seen = new Map<string, string>();
      for (const fault of faults) {
        const before = fault.backend === "rtl" ? rtl : c;
        const changed = [...fault.apply(before).files].filter(
          ([path, text]) => before.files.get(path) !== text,
        );
        expect(
          changed.map(([path]) => path),
          fault.id,
        ).toHaveLength(1);
        const [path, text] = changed[0]!;
        const same = seen.get(`${path}\n${text}`);
        if (same !== undefined) expect(same).toBe(fault.id);
        seen.set(`${path}\n${text}`, fault.id);
      }
    }
  });

  test("a draw is the same for the same seed, and another one for another", () => {
    const draw = (seed: number): readonly string[] =>
      drawFaults(subjectOf(denseDesign(), seed), 40, seed).map(({ id }) => id);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test("a module that was rewritten is told by name", () => {
    const design = denseDesign();
    const path = "rtl/nf_window.v";
    const text = textOf(design, path).replace("filled != 2'd2;", "filled < 2'd2;");
    const files = new Map([...design.files, [path, text]]);
    expect(() => subjectOf({ ...design, files }, SEED)).toThrow(/nf_window: .*filled != 2'd2.* never/);
  });
});

describe("proofs", () => {
  const faultsOf = (kind: FaultKind) =>
    subjectOf(designs[0][1], SEED).faults.filter((fault) => fault.kind === kind && fault.backend === "rtl");

  test("count the inputs of a requantization, all of which give the same", async () => {
    const proofs = await Promise.all(faultsOf("saturation bound").map((fault) => fault.proveEquivalent()));
    // What comes to its bound shows it.
    expect(proofs.filter((proof) => proof === undefined).length).toBeGreaterThan(0);
    for (const proof of proofs) if (proof !== undefined) expect(proof).toMatch(/^all \d+ inputs/);
  });

  test("are none for the sign of weights that have one", async () => {
    const signs = faultsOf("sign extension").filter(({ what }) => what.includes("weights"));
    expect(signs.length).toBeGreaterThan(1);
    for (const fault of signs) expect(await fault.proveEquivalent()).toBeUndefined();
  });

  test("of a register: one that only counts to what another one says too does not matter", async () => {
    const text = fixedFile("verilog/lib/nf_lane_adapter.v");
    const parameters = { ELEMENTS: 27, WIDTH: 4, S_LANES: 1, M_LANES: 3, GROUP: 3 };
    const proofOf = (register: string, more: object = {}) =>
      registerProof("nf_lane_adapter", text, { ...parameters, ...more }, register);
    expect(await proofOf("read_beat")).toContain("depends on read_beat, by SAT");
    expect(await proofOf("needed")).toBeUndefined();
    // A packet that ends within a group needs the count.
    expect(await proofOf("read_beat", { ELEMENTS: 26 })).toBeUndefined();
  });
});

test("the rate leaves out what is proved equivalent, and survivors are named", () => {
  const one = (verdict: MutantResult["verdict"], kind: FaultKind = "bias"): MutantResult => ({
    id: `${verdict} ${kind}`,
    backend: "rtl",
    kind,
    place: "fc1_dense",
    what: "bit 3 of the bias of output 2",
    verdict,
    reason: verdict === "equivalent" ? "all 16 inputs give the same" : "",
    seconds: 2,
  });
  const own = [one("killed"), one("killed", "shift"), one("equivalent"), one("survived")];
  expect(killRate(own)).toBeCloseTo(200 / 3);
  const text = summaryText([{ name: "small", results: own, without: [{ backend: "c", kind: "framing" }] }]);
  expect(text).toMatch(/\| small +\| +4 \| +2 \| +1 \| +1 \| 66\.7 % \|/);
  expect(text).toContain("- small: bias, fc1_dense: bit 3 of the bias of output 2");
  expect(text).toContain("(all 16 inputs give the same)");
  expect(text).toContain("- small, C: framing");
});
