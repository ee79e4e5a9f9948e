// The assertions beside a design, on streams that are made up cycle by cycle: what keeps the rules passes, and every rule that
// is broken is named, at the port where it is broken.
import { beforeAll, describe, expect, it } from "vitest";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf } from "../verify/designs.ts";
import { inFolder, run } from "./run-tools.ts";

/** One packet of two beats makes one of three: two logits, and the class. */
const design = designOf(classifier("tiny", [2, 2]));
const rtl = design.manifest.rtl!;

/** What stands on both ports in a cycle: r: reset; a beat of data 0 to 9, L behind it: its last, ! behind that: not taken. */
interface Streams {
  readonly s: string;
  readonly m: string;
}

const IDLE = ". . . .";
const PACKET = "1 2L";
const ANSWER = "4 5 6L";
const BEFORE = "r r";

const KEPT: Readonly<Record<string, Streams>> = {
  "one packet": { s: `${BEFORE} ${PACKET} ${IDLE} ${IDLE}`, m: `${BEFORE} . . . ${ANSWER} . . . .` },
  "beats that wait": { s: `${BEFORE} 1! 1! 1 2L ${IDLE} ${IDLE}`, m: `${BEFORE} . . . . 4! 4 5 6L! 6L` },
  "packets back to back": {
    s: `${BEFORE} ${PACKET} ${PACKET} ${IDLE}`,
    m: `${BEFORE} . . ${ANSWER} ${ANSWER}`,
  },
  "a packet that is cut off by a reset": { s: `${BEFORE} 1! r ${PACKET} .`, m: `${BEFORE} . r . . 4` },
  "a broken packet, then a whole one": { s: `${BEFORE} 1L ${PACKET} . . .`, m: `${BEFORE} . . . ${ANSWER}` },
};

/** Rules by number, as both sides of the gate have them. */
const BROKEN: Readonly<Record<string, Streams & { readonly says: string }>> = {
  "valid in reset": { s: "r r . .", m: "r 4 . .", says: "m_axis 0" },
  "ready in reset": { s: "r 1 . .", m: "r r . .", says: "s_axis 1" },
  "a beat that is withdrawn": { s: `${BEFORE} ${PACKET} . .`, m: `${BEFORE} . . 4! .`, says: "m_axis 2" },
  "a sender that withdraws": { s: `${BEFORE} 1! . 1 2L`, m: `${BEFORE} . . . .`, says: "s_axis 2" },
  "data that changes": { s: `${BEFORE} ${PACKET} . .`, m: `${BEFORE} . . 4! 5`, says: "m_axis 3" },
  "tlast that changes": { s: `${BEFORE} 1! 1L . .`, m: `${BEFORE} . . . .`, says: "s_axis 4" },
  "tlast too early": { s: `${BEFORE} ${PACKET} . .`, m: `${BEFORE} . . 4 5L`, says: "m_axis 5" },
  "tlast left out": { s: `${BEFORE} ${PACKET} . . . .`, m: `${BEFORE} . . 4 5 6 .`, says: "m_axis 5" },
  "an answer to nothing": { s: `${BEFORE} . . . .`, m: `${BEFORE} ${ANSWER} .`, says: "rules 6" },
  "an answer that comes twice": {
    s: `${BEFORE} ${PACKET} ${IDLE} ${IDLE}`,
    m: `${BEFORE} . . ${ANSWER} ${ANSWER} .`,
    says: "rules 6",
  },
  "a packet that is lost": { s: `${BEFORE} ${PACKET}`, m: `${BEFORE} . .`, says: "rules 7" },
};

/** Both ports' signals of one cycle as bits: reset, then data, valid, ready, last of each. */
function bitsOf(token: string): string {
  if (token === "r") return "00000_0_0_0";
  if (token === ".") return "00000_0_1_0";
  const data = Number(token[0]).toString(2).padStart(5, "0");
  return `${data}_1_${token.includes("!") ? 0 : 1}_${token.includes("L") ? 1 : 0}`;
}

function caseText({ s, m }: Streams, index: number): string {
  const [inputs, outputs] = [s.split(" "), m.split(" ")];
  const cycles = inputs.map(
    (token, n) =>
      `${token === "r" || outputs[n] === "r" ? 0 : 1}_${bitsOf(token)}_${bitsOf(outputs[n] ?? ".")}`,
  );
  const lines = cycles.map((bits, n) => `      ${n}: now = 17'b${bits};`).join("\n");
  const [input, output] = [rtl.inputs[0]!, rtl.outputs[0]!].map((port) => port.lanes * port.laneBits);
  return `
  logic [16:0] now_${index};
  always_comb begin
    logic [16:0] now;
    case (cycle)
${lines}
      default: now = 17'b1_00000_0_1_0_00000_0_1_0;
    endcase
    now_${index} = now;
  end
  ${rtl.top}_rules case_${index} (
      .aclk(aclk), .aresetn(now_${index}[16]),
      .s_axis_tdata(${input}'(now_${index}[15:11])), .s_axis_tvalid(now_${index}[10]), .s_axis_tready(now_${index}[9]), .s_axis_tlast(now_${index}[8]),
      .m_axis_tdata(${output}'(now_${index}[7:3])), .m_axis_tvalid(now_${index}[2]), .m_axis_tready(now_${index}[1]), .m_axis_tlast(now_${index}[0])
  );`;
}

const CASES = [...Object.values(KEPT), ...Object.values(BROKEN)];

/** All cases in one simulation. Says `case port rule` for each rule that is broken, once for each cycle. */
function simulation(): string {
  return `module bench;
  logic aclk = 0;
  int   cycle = 0;
  always #1 aclk = !aclk;
  always @(posedge aclk) begin
    cycle <= cycle + 1;
    if (cycle == 1000) $finish;
  end
${CASES.map(caseText).join("\n")}
endmodule
`;
}

describe.skipIf(!hasTool("verilator"))("rules of the ports", () => {
  const found = new Map<number, Set<string>>();
  beforeAll(() => {
    // The bench stands for the design, so that nothing is bound.
    const text = String(design.files.get(rtl.rules));
    const unbound = text.replace(/^bind .*$/m, "");
    expect(unbound).not.toBe(text);
    const report = '`define NF_BROKEN(rule, text) $display("%m %0d", rule)\n';
    const files = new Map([
      ["rules.sv", report + unbound],
      ["bench.sv", simulation()],
    ]);
    inFolder(files, (folder) => {
      const args = ["--binary", "--timing", "--assert", "-Wno-fatal", "--top-module", "bench", "-o", "bench"];
      args.push("-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0");
      const built = run(folder, "verilator", [...args, "rules.sv", "bench.sv"]);
      expect(built.status, built.stderr).toBe(0);
      const said = run(folder, "obj_dir/bench", []).stdout;
      for (const [, index, port, rule] of said.matchAll(/case_(\d+)(?:\.(\w+_axis))?\S* (\d)$/gm))
        found.set(Number(index), (found.get(Number(index)) ?? new Set()).add(`${port ?? "rules"} ${rule}`));
    });
  });

  it.each(Object.keys(KEPT).map((name, n) => [name, n] as const))("are kept by %s", (_, n) => {
    // What is not answered within the cycles of a case is lost in the end.
    expect([...(found.get(n) ?? [])].filter((text) => text !== "rules 7")).toEqual([]);
  });

  it.each(Object.entries(BROKEN).map(([name, { says }], n) => [name, says, n] as const))(
    "name %s",
    (_, says, n) => {
      expect([...(found.get(Object.keys(KEPT).length + n) ?? [])]).toContain(says);
    },
  );
});
