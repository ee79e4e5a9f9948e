// Generated top modules under all stalls, all data and all framings of some cycles, by bounded model checking: a design with
// stalls against its twin without.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../compiler/program/builder.ts";
import type { StreamPort } from "../../compiler/program/manifest.ts";
import type { Program } from "../../compiler/program/program.ts";
import { casesOf, isNightly } from "../../compiler/tests/nightly.ts";
import { designOf } from "../../compiler/tests/unit/verify/designs.ts";
import { type Claim, unproved } from "./prove.ts";
import { type Stream, stallsClaim } from "./stalls.ts";

const TIMEOUT = 3_600_000;
/** Cycles after the first answer could have left. */
const BEYOND = casesOf(3, 8);
const BIT = intFormat(false, 1, 0);

function program(name: string, outputs: (b: ProgramBuilder, x: string) => void): Program {
  const b = createProgramBuilder(name);
  outputs(b, b.input({ name: "x", shape: [2], format: BIT }));
  return b.build();
}

/** Sums of two inputs with signed weights. */
function dense(b: ProgramBuilder, x: string, units: number): string {
  const data = [1, -2, -1, 1].slice(0, 2 * units);
  const weights = { units, data, format: intFormat(true, 2, 0) };
  return b.dense({ layer: "fc", name: "sums", input: x, weights });
}

const scaled = program("scaled", (b, x) => b.output("y", dense(b, x, 1), "value"));

const classified = program("classified", (b, x) => {
  const sums = dense(b, x, 2);
  b.output("logits", sums, "logits");
  b.output("class", b.argmax({ layer: "class", name: "class", input: sums }), "class");
});

const branched = program("branched", (b, x) => {
  const step = { layer: "low", name: "low", input: x };
  const low = b.requantize({ ...step, format: intFormat(false, 1, -1) });
  b.output("y", b.add({ layer: "sum", name: "sum", inputs: [x, low] }), "value");
});

const joined = program("joined", (b, x) => {
  const other = b.input({ name: "other", shape: [2], format: BIT });
  b.output("y", b.subtract({ layer: "less", name: "less", inputs: [x, other] }), "value");
});

function claimOf(of: Program): Claim {
  const { manifest, files } = designOf(of, { intervalCycles: 2 });
  const { top, sources, memories, inputs, outputs, latencyCycles } = manifest.rtl!;
  const stream = ({ name, lanes, laneBits }: StreamPort): Stream => ({
    stem: name,
    width: lanes * laneBits,
    isAxi: true,
  });
  return stallsClaim({
    module: top,
    parameters: {},
    inputs: inputs.map(stream),
    outputs: outputs.map(stream),
    beats: 4,
    cycles: latencyCycles + BEYOND,
    modules: [],
    files: new Map([...sources, ...memories].map((path) => [path.slice("rtl/".length), files.get(path)!])),
  });
}

const ALL = [scaled, classified, branched, joined];

describe("a design whose ports are stalled", () => {
  test.each((isNightly() ? ALL : [scaled, branched]).map((p) => [p.name, p] as const))(
    "gives what it gives without: %s",
    async (_, of) => {
      expect(await unproved([claimOf(of)])).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    "is not proved where a beat changes while it stands",
    async () => {
      const claim = claimOf(scaled);
      const path = "nf_output.v";
      const text = String(claim.files!.get(path));
      const faulty = text.replace("if (free) begin\n      m_axis_tdata", "begin\n      m_axis_tdata");
      expect(faulty).not.toBe(text);
      const files = new Map([...claim.files!, [path, faulty]]);
      expect(await unproved([{ ...claim, files }])).toHaveLength(1);
    },
    TIMEOUT,
  );
});
