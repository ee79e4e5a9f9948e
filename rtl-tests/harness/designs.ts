// Whole designs as cases of the bench. In: a program and its inputs. Out: a case that compares every beat on its ports
// and on all streams between its stages, frame_error, latency and interval with what simulator and schedule say.
import type { StreamPort } from "../../compiler/program/manifest.ts";
import type { Program } from "../../compiler/program/program.ts";
import { tracedValues } from "../../compiler/program/trace.ts";
import { type Schedule, type ScheduleOptions, scheduleProgram } from "../../compiler/schedule/schedule.ts";
import { simulate } from "../../compiler/sim/simulate.ts";
import { randomInputs } from "../../compiler/tests/unit/program/random-branching.ts";
import { buildPlan } from "../../compiler/verilog/build-plan.ts";
import { generateVerilog, tbVectors } from "../../compiler/verilog/generate.ts";
import type { TapPlan } from "../../compiler/verilog/plan.ts";
import { type BenchCase, lanes, type Watch } from "./bench.ts";

const FEWEST_PACKETS = 3;
/** A design that settles later than this allows has its interval compared elsewhere. */
const MOST_PACKETS = 12;

/** Inputs of so many packets. */
export interface Packets {
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly packets: number;
}

/**
 * The case of a program under the name, which is that of its module; random packets, from a seed, or given ones. Throws what
 * `scheduleProgram` throws.
 */
export function caseOfProgram(
  given: Program,
  options: ScheduleOptions,
  name: string,
  data: number | Packets,
): BenchCase {
  const program = { ...given, name };
  const schedule = scheduleProgram(program, options);
  const { files, manifest } = generateVerilog(program, schedule, { version: "0.0.0" });
  const { top } = manifest;
  const { inputs, packets } =
    typeof data === "number" ? packetsFor(program, schedule.settledAfter + 2, data) : data;
  const values = new Map<string, ArrayLike<number>>([
    ...inputs,
    ...simulate(program, inputs, packets).values,
  ]);
  const vectors = tbVectors(program, manifest, inputs, values);
  const beats = (port: StreamPort, stem: string): bigint[] => {
    const text = String(vectors.get(`vectors/${stem}${port.name.slice("s_axis".length)}.mem`));
    return text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("//"))
      .map((line) => BigInt(`0x${line}`));
  };
  const stream = ({ name: port, lanes: each, laneBits, beats: perPacket }: StreamPort, all: bigint[]) => {
    const bits = each * laneBits;
    return {
      data: [
        { port: `${port}_tdata`, bits },
        { port: `${port}_tlast`, bits: 1 },
      ],
      valid: `${port}_tvalid`,
      ready: `${port}_tready`,
      beats: all.map((beat, k) => beat | (BigInt(k % perPacket === perPacket - 1 ? 1 : 0) << BigInt(bits))),
    };
  };
  const sources = manifest.inputs.map((port) => stream(port, beats(port, "input")));
  const sinks = manifest.outputs.map((port) => {
    const { beats: expected, ...rest } = stream(port, beats(port, "expected"));
    return { ...rest, expected };
  });
  const accepted = manifest.inputs.map(({ name: port }, k) => ({
    name: port,
    bits: manifest.inputs[k]!.lanes * manifest.inputs[k]!.laneBits,
    data: (instance: string) => `${instance}.${port}_tdata`,
    taken: (instance: string) => `${instance}.${port}_tvalid && ${instance}.${port}_tready`,
    expected: beats(manifest.inputs[k]!, "input"),
  }));
  const broken: Watch = {
    name: "frame_error",
    bits: 1,
    data: () => "1'b1",
    taken: (instance) => `|${instance}.frame_error`,
    expected: [],
  };
  const { taps } = buildPlan(program, schedule);
  const folder = `${top}/`;
  return {
    name,
    module: top,
    parameters: { MEM_DIR: folder },
    sources,
    sinks,
    files: new Map(manifest.sources.map((path) => [path.slice("rtl/".length), String(files.get(path))])),
    memories: new Map(
      manifest.memories.map((path) => [folder + path.slice("rtl/".length), String(files.get(path))]),
    ),
    watches: [...accepted, broken, ...taps.map((tap) => watchOf(program, tap, values, packets))],
    judge: (cycles) => {
      const outputs = manifest.outputs.map((port, k) =>
        cycles[k]!.filter((_, beat) => beat % port.beats === port.beats - 1),
      );
      const firsts = accepted.map((_, k) => cycles[sinks.length + k]![0]!);
      return timing(outputs, firsts, schedule, packets >= schedule.settledAfter + 2);
    },
  };
}

function packetsFor(program: Program, wished: number, seed: number): Packets {
  const packets = Math.max(FEWEST_PACKETS, Math.min(MOST_PACKETS, wished));
  return { inputs: randomInputs(program, packets, seed), packets };
}

/** A stream between stages; lanes behind the packet's end hold anything. */
function watchOf(
  program: Program,
  { index, stream, elements, lanes: each, width, words }: TapPlan,
  values: ReadonlyMap<string, ArrayLike<number>>,
  packets: number,
): Watch {
  const { value } = tracedValues(program)[index]!;
  const data = values.get(value.name)!;
  const expected: bigint[] = [];
  const mask: bigint[] = [];
  for (let n = 0; n < packets; n++)
    for (let word = 0; word < words; word++) {
      const used = Math.max(0, Math.min(each, elements - word * each));
      const row = Array.from({ length: used }, (_, lane) => data[n * elements + word * each + lane]!);
      expected.push(lanes(row, width));
      mask.push((1n << BigInt(used * width)) - 1n);
    }
  return {
    name: `stream ${value.name}`,
    bits: each * width,
    data: (instance) => `${instance}.${stream}_data`,
    taken: (instance) => `${instance}.${stream}_valid && ${instance}.${stream}_ready`,
    expected,
    mask,
  };
}

/** Latency and interval as the manifest defines them, from the ends of packets on all outputs. */
function timing(
  outputs: readonly (readonly number[])[],
  firsts: readonly number[],
  { latencyCycles, intervalCycles }: Schedule,
  isSettled: boolean,
): string | undefined {
  const ends = outputs[0]!.map((_, n) => Math.max(...outputs.map((port) => port[n]!)));
  const latency = ends[0]! - Math.min(...firsts);
  if (latency !== latencyCycles) return `latency is ${latency} cycles, the schedule says ${latencyCycles}`;
  const interval = ends.at(-1)! - ends.at(-2)!;
  if (isSettled && interval !== intervalCycles)
    return `the interval is ${interval} cycles, the schedule says ${intervalCycles}`;
  return undefined;
}
