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
  const { input, output, latencyCycles, intervalCycles } = manifest;
  return renderTemplate("verilog/tb/tb.v", {
    module,
    header,
    top: manifest.top,
    inBits: input.lanes * input.laneBits,
    inBeats: input.beats,
    outBits: output.lanes * output.laneBits,
    outBeats: output.beats,
    latencyCycles,
    intervalCycles,
    settledAfter,
    patience: 20 * (latencyCycles + intervalCycles) + 1000,
  });
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
 * Vectors for the test bench: vectors/count.mem, input.mem and expected.mem. `inputs` and `outputs` give, by value name,
 * count x elements mantissas; at most TEST_BENCH_PACKETS packets. Unused lanes of the last input beat are all ones, to
 * show that they are ignored.
 */
export function tbVectors(
  program: Program,
  manifest: RtlManifest,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  outputs: ReadonlyMap<string, ArrayLike<number>>,
): FileSet {
  const name = manifest.input.values[0]!.value;
  const count = inputs.get(name)!.length / elementsOf(valueNamed(program, name).shape);
  compilerAssert(Number.isInteger(count) && count >= 1, "whole packets");
  compilerAssert(count <= TEST_BENCH_PACKETS, `at most ${TEST_BENCH_PACKETS} packets`);
  const words = (port: StreamPort, values: ReadonlyMap<string, ArrayLike<number>>, filler: number) =>
    beatWords(port, values, count, filler);
  return new Map([
    ["vectors/count.mem", memoryText(["Number of packets."], [count.toString(16).padStart(8, "0")])],
    [
      "vectors/input.mem",
      memoryText(["One line per beat of s_axis_tdata."], words(manifest.input, inputs, -1)),
    ],
    [
      "vectors/expected.mem",
      memoryText(["One line per beat of m_axis_tdata."], words(manifest.output, outputs, 0)),
    ],
  ]);
}
