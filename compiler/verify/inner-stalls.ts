// Stalls between the stages. In: the text of a generated top module. Out: the same module in which the simulation can hold up
// every stream between two stages, so that each stage waits, and is made to wait, where the whole design would never do so.
// The module that is shipped has nothing of this; it runs as it is beside this one. The two copies of an nf_fork go together, so
// they have no gates of their own.

/**
 * Undefined where no stream is found: the text is not a top module as the compiler prints it. Gates are open unless
 * nf_force_mode() gives 4.
 */
export function withInnerStalls(top: string): string | undefined {
  const streams = [...top.matchAll(/^ {2}wire +(\w+)_valid;$/gm)]
    .map(([, stream]) => stream!)
    .filter((stream) => sender(stream).test(top) && receiver(stream).test(top));
  if (streams.length === 0) return undefined;
  let text = top;
  for (const stream of streams) {
    text = text.replace(sender(stream), (line) => line.replace(`${stream}_valid`, `${stream}_valid_made`));
    // What steps beside a stage does so when that is ready, not when it is held up from outside.
    for (const port of [receiver(stream), beside(stream)])
      text = text.replace(port, (line) => line.replace(`${stream}_ready`, `${stream}_ready_made`));
  }
  const head = text.indexOf(");\n", text.indexOf("\n) (")) + 3;
  const words = Math.ceil(streams.length / 32);
  const last = streams.length - 1;
  const gates = [
    "",
    "  // Gates of the streams between the stages, set at the falling edge.",
    '  import "DPI-C" function int nf_force_mode();',
    '  import "DPI-C" function int nf_gate_word(int word, int streams);',
    `  reg [${32 * words - 1}:0] nf_gates = {${32 * words}{1'b1}};`,
    "  integer nf_gate;",
    "  always @(negedge aclk) begin",
    `    for (nf_gate = 0; nf_gate < ${words}; nf_gate = nf_gate + 1)`,
    `      nf_gates[32*nf_gate+:32] = (nf_force_mode() == 4) ? nf_gate_word(nf_gate, ${streams.length}) : 32'hffff_ffff;`,
    "  end",
    ...streams.flatMap((stream, k) => [
      `  wire ${stream}_valid_made;`,
      `  wire ${stream}_ready_made;`,
      `  wire ${stream}_valid = ${stream}_valid_made && nf_gates[${k}];`,
      `  wire ${stream}_ready = ${stream}_ready_made && nf_gates[${k}];`,
    ]),
    `  wire nf_unused_gates = &{1'b0, nf_gates[${32 * words - 1}:${last}]};`,
    "",
  ].join("\n");
  const own = new RegExp(`^ {2}wire +(?:${streams.join("|")})_(?:valid|ready);\\n`, "gm");
  return text.slice(0, head) + gates + text.slice(head).replace(own, "");
}

const port = (names: string, signal: string): RegExp =>
  new RegExp(`^ *\\.(?:${names}) *\\((?:\\{[^}\\n]*\\b)?${signal}\\b[^\\n]*$`, "m");
const sender = (stream: string): RegExp => port("m_valid", `${stream}_valid`);
const receiver = (stream: string): RegExp => port("(?!m_)[a-z]_ready", `${stream}_ready`);
const beside = (stream: string): RegExp => port("move", `${stream}_ready`);
