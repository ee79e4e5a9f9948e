// The self-checking test bench in plain Verilog and its vectors. In: the manifest, mantissas of inputs and outputs.
// Out: the bench's text, and memory images with one AXI beat per line.
import type { RtlManifest, StreamPort } from "../program/manifest.ts";
import { elementsOf, type Program, valueNamed } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { compilerAssert } from "../support/assert.ts";
import type { FileSet } from "../support/file-set.ts";
import { memoryText, packedWord } from "./memory-files.ts";

/** Packets that the test bench has room for unless told otherwise. */
export const TEST_BENCH_PACKETS = 256;

/** Text of tb/<top>_tb.v. */
export function testBench(
  module: string,
  header: readonly string[],
  manifest: RtlManifest,
  settledAfter: number,
): string {
  const { inputs, outputs, latencyCycles, intervalCycles } = manifest;
  const ends = (ports: readonly StreamPort[], stem: string) =>
    ports.map((port, k) => ({
      name: port.name,
      constant: port.name.toUpperCase(),
      file: vectorFile(port, stem),
      bits: port.lanes * port.laneBits,
      beats: port.beats,
      last: k === ports.length - 1,
    }));
  return renderTemplate("verilog/tb/tb.v", {
    module,
    header,
    top: manifest.top,
    inputs: ends(inputs, "input"),
    outputs: ends(outputs, "expected"),
    errorRange: inputs.length === 1 ? "" : `[${inputs.length - 1}:0] `,
    latencyCycles,
    intervalCycles,
    settledAfter,
    patience: 20 * (latencyCycles + intervalCycles) + 1000,
  });
}

/** Name of a port's vectors: the stem, with the port's own name behind it where there are several. */
function vectorFile({ name }: StreamPort, stem: string): string {
  return `${stem}${name.slice("s_axis".length)}.mem`;
}

/** Beats of `count` packets. `values` gives count x elements mantissas by value name; `filler` fills unused lanes. */
function beatWords(
  port: StreamPort,
  values: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
  filler: number,
): string[] {
  const words: string[] = [];
  for (let n = 0; n < count; n++) {
    for (const { value, elements, beats } of port.values) {
      const mantissas = values.get(value);
      compilerAssert(
        mantissas && mantissas.length === count * elements,
        `${count} x ${elements} of ${value}`,
      );
      for (let b = 0; b < beats; b++) {
        const lanes = Array.from({ length: port.lanes }, (_, l) => {
          const e = b * port.lanes + l;
          return e < elements ? mantissas[n * elements + e]! : filler;
        });
        words.push(packedWord(lanes, port.laneBits));
      }
    }
  }
  return words;
}

/**
 * Vectors for the test bench: vectors/count.mem, input.mem and expected.mem, the latter ones once for each port.
 * `inputs` and `outputs` give, by value name, count x elements mantissas; at most TEST_BENCH_PACKETS packets. Unused
 * lanes of the last input beat are all ones, to show that they are ignored.
 */
export function tbVectors(
  program: Program,
  manifest: RtlManifest,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  outputs: ReadonlyMap<string, ArrayLike<number>>,
): FileSet {
  const name = program.inputs[0]!;
  const count = inputs.get(name)!.length / elementsOf(valueNamed(program, name).shape);
  compilerAssert(Number.isInteger(count) && count >= 1, "whole packets");
  compilerAssert(count <= TEST_BENCH_PACKETS, `at most ${TEST_BENCH_PACKETS} packets`);
  const vectors = (
    port: StreamPort,
    stem: string,
    values: ReadonlyMap<string, ArrayLike<number>>,
    filler: number,
  ) => {
    const what = `One line per beat of ${port.name}_tdata.`;
    const text = memoryText([what], beatWords(port, values, count, filler));
    return [`vectors/${vectorFile(port, stem)}`, text] as const;
  };
  return new Map([
    ["vectors/count.mem", memoryText(["Number of packets."], [count.toString(16).padStart(8, "0")])],
    ...manifest.inputs.map((port) => vectors(port, "input", inputs, -1)),
    ...manifest.outputs.map((port) => vectors(port, "expected", outputs, 0)),
  ]);
}
