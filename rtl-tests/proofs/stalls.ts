// The claim that stalls change nothing: a module gets the same beats as a second one of its kind, which is never held up; whatever
// holds up its senders and receivers, the same beats leave it, in order, none lost, none doubled, and each stands unchanged
// until it is taken. In: a module, its streams. Out: a claim for `unproved`, over all beats and all stalls of some cycles.
import type { FileSet } from "../../compiler/support/file-set.ts";
import type { Claim } from "./prove.ts";

/** A stream of a module, `<stem>_data`, `<stem>_valid` and `<stem>_ready`; of an AXI port `<stem>_tdata` and so on, with tlast. */
export interface Stream {
  readonly stem: string;
  /** Bits of the data. */
  readonly width: number;
  readonly isAxi?: boolean;
}

export interface Stalled {
  readonly module: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly inputs: readonly Stream[];
  readonly outputs: readonly Stream[];
  /** Other input ports, with what stands on them. */
  readonly tied?: Readonly<Record<string, string>>;
  /** Beats that the senders have. */
  readonly beats: number;
  /**
   * Beats that have to leave the first output once so many of the first input were taken, and the cycles within which they do
   * when nothing holds them up.
   */
  readonly due?: { readonly beats: (taken: number) => number; readonly cycles: number };
  /** Cycles looked at, the one of the reset included. */
  readonly cycles: number;
  /** Fixed modules that it is made of. */
  readonly modules: readonly string[];
  readonly files?: FileSet;
  /** Without a clock: wires alone. */
  readonly isWires?: boolean;
}

/** Enough for the beats of any stream within the cycles that are looked at. */
const COUNT_BITS = 5;

/** Bits of a stream's beat, tlast included. */
const bitsOf = ({ width, isAxi }: Stream): number => width + (isAxi ? 1 : 0);

export function stallsClaim(stalled: Stalled): Claim {
  const { module, parameters, inputs, outputs, tied = {}, beats, due, cycles } = stalled;
  const all = [...inputs, ...outputs];
  const shown = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return {
    name: [module, ...shown].join(" "),
    module: "stalls",
    text: `// ${module} and its twin that is never held up.
module stalls (input wire aclk);
  reg       reset_is_over = 0;
  reg [7:0] quiet = 0;  // cycles in a row in which nothing was held up and nothing came
  always @(posedge aclk) reset_is_over <= 1;
${all.map((stream) => declared(stream)).join("")}
${instance("subject", "", stalled, tied)}
${instance("twin", "twin_", stalled, tied)}
${inputs.map((stream) => sender(stream, beats)).join("")}${outputs.map((stream) => receiver(stream, cycles)).join("")}
  wire idle = ${[...inputs.map(({ stem }) => `!${stem}_valid`), ...outputs.map(({ stem }) => `${stem}_ready`)].join(" && ")};
  always @(posedge aclk) quiet <= idle && reset_is_over ? quiet + (quiet != 255) : 0;
${due ? lost(stalled, due) : ""}endmodule
`,
    modules: stalled.modules,
    ...(stalled.files ? { files: stalled.files } : {}),
    cycles,
  };
}

/** Wires of a stream, at the module and at its twin. */
function declared(stream: Stream): string {
  const range = `[${bitsOf(stream) - 1}:0]`;
  return ["", "twin_"]
    .map(
      (who) =>
        `  wire ${range} ${who}${stream.stem}_beat;\n  wire ${who}${stream.stem}_valid, ${who}${stream.stem}_ready;\n`,
    )
    .join("");
}

function instance(
  name: string,
  who: string,
  stalled: Stalled,
  tied: Readonly<Record<string, string>>,
): string {
  const set = Object.entries(stalled.parameters).map(([key, value]) => `.${key}(${value})`);
  const streams = [...stalled.inputs, ...stalled.outputs].flatMap(({ stem, width, isAxi }) => {
    const t = isAxi ? "t" : "";
    return [
      `.${stem}_${t}data(${who}${stem}_beat[${width - 1}:0])`,
      `.${stem}_${t}valid(${who}${stem}_valid)`,
      `.${stem}_${t}ready(${who}${stem}_ready)`,
      ...(isAxi ? [`.${stem}_tlast(${who}${stem}_beat[${width}])`] : []),
    ];
  });
  const ports = [
    ...(stalled.isWires ? [] : [".aclk(aclk)", ".aresetn(reset_is_over)"]),
    ...Object.entries(tied).map(([port, value]) => `.${port}(${value})`),
    ...streams,
  ];
  return `  ${stalled.module} #(${set.join(", ")}) ${name} (\n      ${ports.join(",\n      ")}\n  );\n`;
}

/** The same beats for both, at any pace for the module and without a pause for its twin. Invalid beats are anything. */
function sender(stream: Stream, beats: number): string {
  const { stem } = stream;
  const bits = bitsOf(stream);
  const pick = (count: string): string => `${stem}_beats[${count}*${bits} +: ${bits}]`;
  return `
  wire [${beats * bits - 1}:0] ${stem}_beats = $anyconst;
  wire [${bits - 1}:0] ${stem}_noise = $anyseq;
  reg  [${COUNT_BITS - 1}:0] ${stem}_taken = 0, twin_${stem}_taken = 0;
  reg  ${stem}_stood = 0;
  wire ${stem}_offered = $anyseq;
  assign ${stem}_valid = ${stem}_taken < ${beats} && ${stem}_offered;
  assign ${stem}_beat = ${stem}_valid ? ${pick(`${stem}_taken`)} : ${stem}_noise;
  assign twin_${stem}_valid = twin_${stem}_taken < ${beats};
  assign twin_${stem}_beat = ${pick(`twin_${stem}_taken`)};
  always @* assume (!${stem}_stood || ${stem}_valid);
  always @(posedge aclk) if (reset_is_over) begin
    ${stem}_stood <= ${stem}_valid && !${stem}_ready;
    if (${stem}_valid && ${stem}_ready) ${stem}_taken <= ${stem}_taken + 1;
    if (twin_${stem}_valid && twin_${stem}_ready) twin_${stem}_taken <= twin_${stem}_taken + 1;
  end
`;
}

/** Beats that leave, `room` at most, are those that left the twin, which is never behind. */
function receiver(stream: Stream, room: number): string {
  const { stem } = stream;
  const bits = bitsOf(stream);
  return `
  reg  [${room * bits - 1}:0] ${stem}_record;
  reg  [${COUNT_BITS - 1}:0] ${stem}_count = 0, twin_${stem}_count = 0;
  reg  ${stem}_stood = 0;
  reg  [${bits - 1}:0] ${stem}_standing;
  assign ${stem}_ready = $anyseq;
  assign twin_${stem}_ready = 1;
  wire ${stem}_is_recorded = ${stem}_count < twin_${stem}_count;
  wire ${stem}_is_now = ${stem}_count == twin_${stem}_count && twin_${stem}_valid;
  wire [${bits - 1}:0] ${stem}_right = ${stem}_is_recorded ? ${stem}_record[${stem}_count*${bits} +: ${bits}] : twin_${stem}_beat;
  always @(posedge aclk) if (reset_is_over) begin
    ${stem}_stood <= ${stem}_valid && !${stem}_ready;
    ${stem}_standing <= ${stem}_beat;
    if (${stem}_valid && ${stem}_ready) ${stem}_count <= ${stem}_count + 1;
    if (twin_${stem}_valid) begin
      ${stem}_record[twin_${stem}_count*${bits} +: ${bits}] <= twin_${stem}_beat;
      twin_${stem}_count <= twin_${stem}_count + 1;
    end
  end
  always @* if (reset_is_over) begin
    if (${stem}_stood) assert (${stem}_valid && ${stem}_beat == ${stem}_standing);
    if (${stem}_valid) assert ((${stem}_is_recorded || ${stem}_is_now) && ${stem}_beat == ${stem}_right);
  end
`;
}

/** What is due has left when nothing was held up for a while. */
function lost(
  { inputs, outputs, beats }: Stalled,
  { beats: due, cycles }: NonNullable<Stalled["due"]>,
): string {
  const taken = `${inputs[0]!.stem}_taken`;
  const cases = Array.from({ length: beats + 1 }, (_, n) => `${taken} == ${n} ? ${due(n)}`);
  return `  wire [${COUNT_BITS - 1}:0] due = ${cases.join(" : ")} : 0;
  always @* if (reset_is_over && quiet >= ${cycles}) assert (${outputs[0]!.stem}_count == due);
`;
}
