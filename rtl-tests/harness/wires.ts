// Modules that are wires alone, as cases of the bench. In: a module, its parameters, words in and out. Out: a case whose
// module hands the handshake round the wires.
import { fixedFile } from "../../compiler/render/render.ts";
import type { BenchCase } from "./bench.ts";
import { sink, source } from "./streams.ts";

/** `bits` of a word that goes in and of one that comes out. */
export function caseOfWires(
  name: string,
  module: string,
  parameters: Readonly<Record<string, number>>,
  bits: readonly [number, number],
  words: readonly { readonly from: bigint; readonly to: bigint }[],
): BenchCase {
  const wrapper = name.replace(/\W+/g, "_");
  const given = Object.entries(parameters).map(([key, value]) => `.${key}(${value})`);
  const text = `module ${wrapper} (
    input  wire [${bits[0] - 1}:0] s_data,
    input  wire s_valid,
    output wire s_ready,
    output wire [${bits[1] - 1}:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
  assign s_ready = m_ready;
  assign m_valid = s_valid;
  ${module} #(${given.join(", ")}) wires (.s_data(s_data), .m_data(m_data));
endmodule
`;
  return {
    name,
    module: wrapper,
    parameters: {},
    files: new Map([
      [`${wrapper}.v`, text],
      [`${module}.v`, fixedFile(`verilog/lib/${module}.v`)],
    ]),
    unclocked: true,
    sources: [
      source(
        "s",
        bits[0],
        words.map(({ from }) => from),
      ),
    ],
    sinks: [
      sink(
        bits[1],
        words.map(({ to }) => to),
      ),
    ],
  };
}
