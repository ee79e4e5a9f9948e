// nf_dots: every product of a shared multiplier for every value of all of its operands, against plain products. Sums of
// several are tested with nf_dense.
import { describe, expect, test } from "vitest";
import { fixedFile } from "../../../compiler/render/render.ts";
import { mostShared, type Sharing, sharedOperands } from "../../../compiler/schedule/sharing.ts";
import { casesOf } from "../../../compiler/tests/nightly.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { sink, source } from "../../harness/streams.ts";

interface Shared extends Sharing {
  readonly x: number;
  readonly w: number;
  readonly signed: boolean;
}

/** Bits that are counted through while the others stand side by side, in a multiplier for each of their values. */
const COUNTED = 20;
/** Steps after which a module says how many of them differed: the bench waits for no silent one. */
const STEPS = 2 ** 7;

const bitsOf = ({ x, w, pe, windows }: Shared): number => windows * x + pe * w;

/**
 * A module that begins with a beat, goes through all operands, and says how many products differed. Operands are the lowest bits
 * of one number, inputs first.
 */
function proofOf(name: string, shared: Shared): string {
  const { pe, windows, spacing, x, w, signed } = shared;
  const bits = bitsOf(shared);
  const counted = Math.min(bits, COUNTED);
  const instances = 2 ** (bits - counted);
  const [xBits, wBits] = [windows * x, pe * w];
  const sum = x + w + 2;
  const count = pe * windows;
  return `module ${name} (
    input  wire aclk,
    input  wire aresetn,
    input  wire [0:0] s_data,
    input  wire s_valid,
    output wire s_ready,
    output wire [31:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
  reg [${counted}:0] step;  // one more than all operands, for the register of the products
  reg running, fresh, done;
  reg [31:0] differing;
  wire [${instances - 1}:0] differs;
  assign s_ready = !running;
  assign m_valid = done;
  assign m_data = differing;
  always @(posedge aclk)
    if (!aresetn) begin running <= 0; fresh <= 0; done <= 0; end
    else if (!running) begin
      if (s_valid) begin running <= 1; fresh <= 1; step <= 0; differing <= 0; end
    end else if (!done) begin
      step <= step + 1;
      fresh <= 0;
      if (!fresh && |differs) differing <= differing + 1;
      done <= !fresh && step % ${STEPS} == 0;
    end else if (m_ready) begin
      done <= 0;
      if (step > ${2 ** counted}) running <= 0;
    end
  genvar g, k;
  generate for (g = 0; g < ${instances}; g = g + 1) begin : each
    wire [${bits + 31}:0] all = {g[31:0], step[${counted - 1}:0]} | 0;
    wire [${xBits - 1}:0] xs = all[${xBits - 1}:0];
    wire [${wBits - 1}:0] ws = all[${bits - 1}:${xBits}];
    wire [${count * sum - 1}:0] sums;
    wire [${count - 1}:0] carries, wrong;
    nf_dots #(.SIMD(1), .ROWS(${pe}), .COLUMNS(${windows}), .X_WIDTH(${x}), .X_KIND(${signed ? 1 : 0}), .W_WIDTH(${w}),
              .SPACING(${spacing}), .SUM_WIDTH(${sum})) dots (.aclk(aclk), .move(!done), .x(xs), .w(ws), .sum(sums), .carry(carries));
    for (k = 0; k < ${count}; k = k + 1) begin : lane
      wire signed [${x}:0] a = {${signed ? `xs[${x}*(k%${windows})+${x - 1}]` : "1'b0"}, xs[${x}*(k%${windows})+:${x}]};
      wire signed [${w - 1}:0] b = ws[${w}*(k/${windows})+:${w}];
      reg signed [${sum - 1}:0] plain;
      wire [${sum - 1}:0] found = sums[${sum}*k+:${sum}] + {${sum - 1}'d0, carries[k]};
      always @(posedge aclk) if (!done) plain <= a * b;
      assign wrong[k] = found != plain;
    end
    assign differs[g] = |wrong;
  end endgenerate
endmodule
`;
}

function caseOf(shared: Shared): BenchCase {
  const { pe, windows, spacing, x, w, signed } = shared;
  const name = `dots_${signed ? "s" : "u"}${x}_${w}_${pe}_${windows}_${spacing}`;
  return {
    name,
    module: name,
    parameters: {},
    files: new Map([
      [`${name}.v`, proofOf(name, shared)],
      ["nf_dots.v", fixedFile("verilog/lib/nf_dots.v")],
    ]),
    sources: [source("s", 1, [0n])],
    sinks: [
      sink(32, new Array<bigint>(Math.max(1, 2 ** Math.min(bitsOf(shared), COUNTED) / STEPS)).fill(0n)),
    ],
  };
}

/** Multipliers of AMD, ECP5, iCE40 and Cyclone V. */
const MULTIPLIERS = [
  [25, 18],
  [27, 18],
  [18, 18],
  [16, 16],
  [27, 27],
] as const;
/** Bits of all operands together that a test goes through, and modules in one simulation. */
const MOST = casesOf(13, 20);
const TOGETHER = 32;

/** What any of the multipliers is used for, with operands of up to 8 bits at up to two positions; two of 8 bits in any case. */
function sharings(): Shared[] {
  const found = new Map<string, Shared>();
  for (const multiplier of MULTIPLIERS)
    for (let x = 1; x <= 8; x++)
      for (let w = 2; w <= 8; w++)
        for (const windows of [1, 2])
          for (const pe of [2, 3, 4, 8]) {
            const sharing = mostShared({ inputWidth: x, weightWidth: w, pe, windows }, multiplier);
            if (!sharing) continue;
            for (const signed of [false, true]) {
              const shared = { x, w, ...sharing, signed };
              // Signs alone are no integers; and less operands than steps are too few for a beat.
              const bits = bitsOf(shared);
              if ((!signed || x > 1) && 2 ** bits >= STEPS && bits <= MOST)
                found.set(JSON.stringify(shared), shared);
            }
          }
  return [...found.values()].toSorted((a, b) => bitsOf(a) - bitsOf(b));
}

const CASES = sharings();

describe.skipIf(!hasTool("verilator"))("nf_dots", () => {
  test(
    `gives every product of all operands (${CASES.length} ways to share)`,
    async () => {
      expect(CASES.length).toBeGreaterThan(40);
      for (let at = 0; at < CASES.length; at += TOGETHER)
        expect(await runBench(CASES.slice(at, at + TOGETHER).map(caseOf))).toEqual([]);
    },
    casesOf(300_000, 3_600_000),
  );

  test.each([
    ["two of 8 bits", { pe: 2, windows: 1, spacing: 16, x: 8, w: 8 }, [9, 25]],
    ["four of 4 bits that overlap", { pe: 4, windows: 1, spacing: 7, x: 4, w: 4 }, [5, 26]],
    ["four of 4 bits at two positions", { pe: 2, windows: 2, spacing: 8, x: 4, w: 4 }, [13, 21]],
  ] as const)(
    "gives %s for all operands",
    async (_, shared, operands) => {
      expect(sharedOperands({ inputWidth: shared.x, weightWidth: shared.w }, shared)).toEqual(operands);
      const signs = [false, true].map((signed) => caseOf({ ...shared, signed }));
      expect(await runBench(signs)).toEqual([]);
    },
    300_000,
  );
});
