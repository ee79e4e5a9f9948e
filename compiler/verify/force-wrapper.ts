// The simulation top that can put integers between the stages. In: the manifest and the tap wrapper's text. Out: a
// SystemVerilog module around the tap wrapper, which values it can force, and beats that bring every stage to its own bounds.
import { provedRanges } from "../program/bounds.ts";
import type { RtlManifest, StreamPort } from "../program/manifest.ts";
import {
  elementsOf,
  type Instruction,
  mantissaRange,
  operandsOf,
  type Program,
  valueNamed,
} from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { commentText } from "../support/comment-text.ts";
import { stageInputs } from "./stage-inputs.ts";
import type { GivenStream } from "./stream-protocol.ts";

export interface ForceWrapper {
  readonly module: string;
  readonly text: string;
  /** For Verilator, to be read before the sources. */
  readonly config: string;
  /** Names of the program's values whose streams are forced. */
  readonly values: Readonly<Record<"random" | "even" | "odd", ReadonlySet<string>>>;
  /** Beats of so many packets for every stream that can be forced, in the module's order. */
  given(packets: number, seed: number): readonly GivenStream[];
}

interface ForcedStream extends BoundTap {
  readonly value: string;
  readonly words: number;
  readonly top: number;
  readonly last: number;
  /** The value can hold all that its bits can. */
  readonly random: boolean;
  /** Stages before it, at most: a stage whose input is forced has a result of the other parity, or one input of it. */
  readonly even: boolean;
}

const MODULE = "nf_forced";

/** `sources`: texts of the design's modules. Undefined when no stream between two stages can be forced: then every stage is reached from the input. */
export function createForceWrapper(
  program: Program,
  manifest: RtlManifest,
  wrapperText: string,
  sources: readonly string[],
): ForceWrapper | undefined {
  const streams: ForcedStream[] = [];
  const ranges = provedRanges(program);
  const depths = depthsOf(program);
  for (const { index, ...instance } of boundTaps(wrapperText)) {
    const tap = manifest.taps.find((t) => t.index === index);
    if (!tap) continue;
    // A result that no stage reads is moot.
    if (!isRead(program, tap.value)) continue;
    // The stream of a transpose is another value's, such as an input's, which has more readers.
    if (program.instructions.some((i) => i.op === "transpose" && i.result === tap.value)) continue;
    // Sums are as wide as what their operands can hold: bits beyond that would not be the program's.
    const [held, all] = [ranges.get(tap.value)!, mantissaRange(valueNamed(program, tap.value).format)];
    const bits = instance.lanes * instance.width;
    const words = Math.ceil(bits / 32);
    streams.push({
      ...instance,
      index,
      value: tap.value,
      words,
      top: 32 * words - 1,
      last: bits - 1,
      random: tap.kind === "stream" && held.min <= all.min && held.max >= all.max,
      even: depths.get(tap.value)! % 2 === 0,
    });
  }
  if (streams.length === 0) return undefined;
  const text = renderTemplate("harness/force.sv", {
    module: MODULE,
    inner: manifest.tapWrapper.module,
    inputs: manifest.inputs.map(portText),
    outputs: manifest.outputs.map(portText),
    errorRange: manifest.inputs.length === 1 ? "" : `[${manifest.inputs.length - 1}:0] `,
    streams: streams.map((stream) => ({ ...stream, value: commentText(stream.value) })),
  });
  const valuesOf = (chosen: readonly ForcedStream[]): ReadonlySet<string> =>
    new Set(chosen.map(({ value }) => value));
  return {
    module: MODULE,
    text,
    config: configOf(sources),
    values: {
      random: valuesOf(streams.filter(({ random }) => random)),
      even: valuesOf(streams.filter(({ even }) => even)),
      odd: valuesOf(streams.filter(({ even }) => !even)),
    },
    given: (packets, seed) => streams.map((stream) => givenBeats(program, stream, packets, seed)),
  };
}

/** Stages before each value, at most. */
function depthsOf(program: Program): ReadonlyMap<string, number> {
  const depths = new Map(program.inputs.map((name) => [name, 0]));
  for (const instruction of program.instructions) {
    const before = Math.max(...operandsOf(instruction).map((name) => depths.get(name)!));
    depths.set(instruction.result, before + (instruction.op === "reshape" ? 0 : 1));
  }
  return depths;
}

/** Instructions that compute from a value under this or another name, and that name. */
function readersOf(program: Program, value: string): readonly { reader: Instruction; name: string }[] {
  return program.instructions.flatMap((reader) => {
    if (!operandsOf(reader).includes(value)) return [];
    return reader.op === "reshape" ? readersOf(program, reader.result) : [{ reader, name: value }];
  });
}

/** Row n is made for reader n of the stream, in turn; lanes beyond the packet's end are 0. */
function givenBeats(program: Program, stream: ForcedStream, packets: number, seed: number): GivenStream {
  const { value, lanes, width, words } = stream;
  const elements = elementsOf(valueNamed(program, value).shape);
  const rows = readersOf(program, value).map(
    ({ reader, name }) => stageInputs(program, reader, packets, seed)[operandsOf(reader).indexOf(name)]!,
  );
  const perPacket = Math.ceil(elements / lanes);
  const beats = new Uint32Array(packets * perPacket * words);
  for (let n = 0; n < packets; n++)
    for (let e = 0; e < elements; e++) {
      const at = (n * perPacket + Math.floor(e / lanes)) * words;
      const x = BigInt.asUintN(width, BigInt(rows[n % rows.length]![n * elements + e]!));
      const low = (e % lanes) * width;
      let rest = x << BigInt(low % 32);
      for (let word = Math.floor(low / 32); rest > 0n; word++, rest >>= 32n)
        beats[at + word] = beats[at + word]! | Number(rest & 0xffffffffn);
    }
  return { words, beats };
}

/**
 * Where a module whose result is a wire is inlined, Verilator 5.006 may hand on what that wire is assigned to its readers, past
 * the force: such modules stay whole.
 */
function configOf(sources: readonly string[]): string {
  const modules = sources.flatMap((source) => {
    const [, name] = /^module (\w+)/m.exec(source) ?? [];
    return name !== undefined && /^ *output wire .*\bm_data\b/m.test(source) ? [name] : [];
  });
  return ["`verilator_config", ...modules.map((name) => `no_inline -module "${name}"`), ""].join("\n");
}

/** Whether anything but a port reads a value, under this or another name. */
function isRead(program: Program, value: string): boolean {
  return program.instructions.some(
    (i) => operandsOf(i).includes(value) && (i.op !== "reshape" || isRead(program, i.result)),
  );
}

const portText = ({ name, lanes, laneBits }: StreamPort) => ({ name, range: `[${lanes * laneBits - 1}:0]` });

/** Which stream of the top module a tap watches. */
export interface BoundTap {
  readonly index: number;
  /** Its wires are stream_data, stream_valid and stream_ready. */
  readonly stream: string;
  readonly lanes: number;
  readonly width: number;
}

/** The tap wrapper's nf_tap_stream instances. */
export function boundTaps(text: string): readonly BoundTap[] {
  const found: BoundTap[] = [];
  for (const [, parameters, ports] of text.matchAll(/nf_tap_stream #\(([^;]*?)\n {2}\) \w+ \(([^;]*?)\);/g)) {
    const number = (name: string): number =>
      Number(new RegExp(`\\.${name}\\s*\\((\\d+)\\)`).exec(parameters!)?.[1]);
    const stream = /\.data\s*\(dut\.(\w+)_data\)/.exec(ports!)?.[1];
    if (stream !== undefined)
      found.push({ index: number("INDEX"), stream, lanes: number("LANES"), width: number("WIDTH") });
  }
  return found;
}
