// Runs many instances of modules in one Verilator simulation. In: cases (module, parameters, beats that go in, beats that
// must come out or pass inside, the model of the control logic). Out: what differs, case by case, in values and in
// cycles. Stalls on every stream, reset between the passes.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fixedFile } from "../../compiler/render/render.ts";
import type { Unit } from "../../compiler/schedule/units/unit.ts";
import { compilerAssert } from "../../compiler/support/assert.ts";
import { createVerilatorRunner } from "../../compiler/tools/verilator.ts";
import { partsOf } from "../../compiler/verilog/build-plan.ts";
import { modelCycles, PASSES } from "./model.ts";

/** Ports of one stream, lowest bits of a beat first. Streams that name the same port share it, the first lowest. */
interface StreamPorts {
  readonly data: readonly { readonly port: string; readonly bits: number }[];
  readonly valid: string;
  /** Null when the module cannot be held up there. */
  readonly ready: string | null;
}

export interface Source extends StreamPorts {
  readonly ready: string;
  readonly beats: readonly bigint[];
}

export interface Sink extends StreamPorts {
  /** Beats with the bits that are compared; every bit by default. */
  readonly expected: readonly bigint[];
  /** Bits of each expected beat that count. */
  readonly mask?: readonly bigint[];
}

/** Beats that pass inside a case or are seen at its ports; none of them is held up. */
export interface Watch {
  readonly name: string;
  readonly bits: number;
  /** What to look at, given the name of the instance. */
  readonly data: (instance: string) => string;
  readonly taken: (instance: string) => string;
  readonly expected: readonly bigint[];
  readonly mask?: readonly bigint[];
}

/** The cycles of a pass: by sink, then by watch those in which its beats were taken. */
export type TakenCycles = readonly (readonly number[])[];

export interface BenchCase {
  readonly name: string;
  readonly module: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly sources: readonly Source[];
  readonly sinks: readonly Sink[];
  readonly watches?: readonly Watch[];
  /** Verilog sources by path, for a module that is not of the library, with all that it is made of. */
  readonly files?: ReadonlyMap<string, string>;
  /** Memory images by the path that the module opens. */
  readonly memories?: ReadonlyMap<string, string>;
  /** A module without clock, such as a fork. */
  readonly unclocked?: boolean;
  /** Model of the control logic: every beat has to leave in the cycle that it says, in every pass. */
  readonly unit?: () => Unit;
  /** What stands against the cycles of the pass without stalls. */
  readonly judge?: (cycles: TakenCycles) => string | undefined;
}

/** Bits of a beat that the bench can carry. */
const WIDEST = 1024;

const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
const bitsOf = (stream: StreamPorts): number => stream.data.reduce((sum, { bits }) => sum + bits, 0);
const wordsOf = (bits: number): number => Math.ceil(Math.max(1, bits) / 32);

/** What comes out of a case, in the order of the bench's numbers. */
interface Seen {
  readonly name: string;
  readonly bits: number;
  readonly expected: readonly bigint[];
  readonly mask?: readonly bigint[];
}

const seenOf = ({ sinks, watches = [] }: BenchCase): readonly Seen[] => [
  ...sinks.map((sink) => ({ ...sink, name: sink.valid, bits: bitsOf(sink) })),
  ...watches,
];

/** Whether the bench can carry all beats of a case. */
export function isCarried(one: BenchCase): boolean {
  return [...one.sources.map(bitsOf), ...seenOf(one).map(({ bits }) => bits)].every((bits) => bits <= WIDEST);
}

/** Everything that differs, one line each; empty when every case passes in every pass. */
export async function runBench(cases: readonly BenchCase[], seed = 1): Promise<string[]> {
  compilerAssert(cases.every(isCarried), `beats of at most ${WIDEST} bits`);
  const sources = cases.flatMap((c) => c.sources);
  const sinks = cases.flatMap(seenOf);
  const own = new Map(cases.flatMap((c) => [...(c.files ?? [])]));
  // No others, so that a change of one module asks for no new simulation of all.
  const library = modulesOf(cases).map((name) => [`${name}.v`, fixedFile(`verilog/lib/${name}.v`)] as const);
  const verilog = [...library.map(([name]) => name), ...own.keys(), "bench-streams.sv", "bench.sv"];
  const outcome = await createVerilatorRunner({ shortRuns: true }).run({
    top: "bench",
    files: new Map([
      ...library,
      ...own,
      ["bench-streams.sv", textOf("bench-streams.sv")],
      ["bench.sv", benchText(cases)],
    ]),
    verilog,
    driver: new Map([
      ["bench.h", textOf("bench.h")],
      ["request.h", fixedFile("harness/request.h")],
      ["bench-driver.cpp", textOf("bench-driver.cpp")],
    ]),
    binding: { path: "bench.cpp", text: textOf("bench.cpp") },
    data: new Map(cases.flatMap((c) => [...(c.memories ?? [])])),
    request: requestOf(sources, sinks, seed),
    timeoutSeconds: 300,
  });
  if (outcome.status !== "done") return [`${outcome.status}: ${outcome.log}`];
  return compareBeats(cases, outcome.output);
}

/** The modules of the cases and those that they are made of. */
function modulesOf(cases: readonly BenchCase[]): readonly string[] {
  const modules = cases.filter((c) => !c.files).map((c) => c.module);
  return [...new Set(modules.flatMap((module) => [module, ...partsOf(module)]))].sort();
}

function benchText(cases: readonly BenchCase[]): string {
  const lines = ["`default_nettype none", "module bench (input wire aclk, input wire aresetn);"];
  let source = 0;
  let sink = 0;
  for (const [k, c] of cases.entries()) {
    const ports = new Map<string, string[]>();
    const ends: string[] = [];
    const join = (port: string, wire: string): void => {
      ports.set(port, [wire, ...(ports.get(port) ?? [])]);
    };
    if (!c.unclocked) for (const port of ["aclk", "aresetn"]) join(port, port);
    const connect = (stream: StreamPorts, kind: "source" | "sink", id: number): void => {
      const stem = `${kind}_${id}`;
      const bits = Math.max(1, bitsOf(stream));
      lines.push(`  wire [${bits - 1}:0] ${stem}_data; wire ${stem}_valid; wire ${stem}_ready;`);
      let low = 0;
      for (const { port, bits: width } of stream.data) {
        join(port, `${stem}_data[${low + width - 1}:${low}]`);
        low += width;
      }
      if (low === 0) lines.push(`  assign ${stem}_data = 1'b0;`);
      join(stream.valid, `${stem}_valid`);
      if (stream.ready !== null) join(stream.ready, `${stem}_ready`);
      const ready = kind === "sink" ? `, .READY(${stream.ready === null ? 0 : 1})` : "";
      ends.push(
        `  bench_${kind} #(.ID(${id}), .WIDTH(${bits})${ready}) ${stem} (.aclk(aclk), .aresetn(aresetn), ` +
          `.data(${stem}_data), .valid(${stem}_valid), .ready(${stem}_ready));`,
      );
    };
    for (const stream of c.sources) connect(stream, "source", source++);
    for (const stream of c.sinks) connect(stream, "sink", sink++);
    const parameters = Object.entries(c.parameters).map(
      ([name, value]) => `.${name}(${typeof value === "string" ? JSON.stringify(value) : value})`,
    );
    const connections = [...ports].map(([port, wires]) => `.${port}({${wires.join(", ")}})`);
    lines.push(`  ${c.module} #(${parameters.join(", ")}) case_${k} (${connections.join(", ")});`, ...ends);
    for (const { bits, data, taken } of c.watches ?? [])
      lines.push(
        `  bench_sink #(.ID(${sink}), .WIDTH(${Math.max(1, bits)}), .READY(0)) sink_${sink++} (.aclk(aclk), ` +
          `.aresetn(aresetn), .data(${data(`case_${k}`)}), .valid(${taken(`case_${k}`)}), .ready());`,
      );
  }
  lines.push("endmodule", "`default_nettype wire", "");
  return lines.join("\n");
}

function requestOf(sources: readonly Source[], sinks: readonly Seen[], seed: number): Uint8Array {
  const words = [seed, PASSES.length, sources.length, sinks.length];
  for (const source of sources) {
    const size = wordsOf(bitsOf(source));
    words.push(size, source.beats.length);
    for (const beat of source.beats)
      for (let i = 0; i < size; i++) words.push(Number((beat >> BigInt(32 * i)) & 0xffffffffn));
  }
  for (const sink of sinks) words.push(wordsOf(sink.bits), sink.expected.length);
  for (const [source, sink] of PASSES) words.push(source, sink);
  return new Uint8Array(Uint32Array.from([words.length, ...words]).buffer);
}

function compareBeats(cases: readonly BenchCase[], output: Uint8Array): string[] {
  const words = new Uint32Array(output.slice().buffer);
  const problems: string[] = [];
  const sources = cases.reduce((sum, c) => sum + c.sources.length, 0);
  let at = 0;
  for (let pass = 0; pass < PASSES.length; pass++) {
    let [sourceId, sinkId] = [0, 0];
    for (const c of cases) {
      const beats = c.sources.map((s) => s.beats.length);
      const cycles = c.unit && modelCycles(c.unit(), beats, pass, sourceId, sources + sinkId);
      sourceId += c.sources.length;
      const seen = seenOf(c);
      const all: number[][] = [];
      sinkId += seen.length;
      for (const [k, sink] of seen.entries()) {
        const where = `${c.name}, pass ${pass}, ${sink.name}`;
        const count = words[at++]!;
        const faults = words[at++]!;
        const size = wordsOf(sink.bits);
        if (faults > 0)
          problems.push(`${where}: a beat changed or went before it was taken, ${faults} times`);
        if (count !== sink.expected.length)
          problems.push(`${where}: ${count} beats came, ${sink.expected.length} should`);
        let wrong = 0;
        for (let beat = 0; beat < count; beat++) {
          let got = 0n;
          for (let i = 0; i < size; i++) got |= BigInt(words[at++]!) << BigInt(32 * i);
          const mask = sink.mask?.[beat] ?? -1n;
          const expected = sink.expected[beat];
          if (expected !== undefined && (expected & mask) !== (got & mask) && wrong++ === 0)
            problems.push(
              `${where}, beat ${beat}: expected ${expected.toString(16)}, got ${got.toString(16)} (hex)`,
            );
        }
        const taken = words.subarray(at, at + count);
        at += count;
        all.push([...taken]);
        // The model has no watches.
        const early = cycles?.[k] ? taken.findIndex((cycle, beat) => cycle !== cycles[k]![beat]) : -1;
        if (cycles && early >= 0)
          problems.push(
            `${where}, beat ${early}: taken in cycle ${taken[early]}, the model says ${cycles[k]![early]}`,
          );
      }
      const objection = pass === 0 ? c.judge?.(all) : undefined;
      if (objection !== undefined) problems.push(`${c.name}: ${objection}`);
    }
  }
  return problems;
}

/** Integers as the lanes of one beat, lane 0 lowest; two's complement. */
export function lanes(values: readonly (number | bigint)[], width: number): bigint {
  return values.reduce<bigint>(
    (word, value, i) => word | (BigInt.asUintN(width, BigInt(value)) << BigInt(i * width)),
    0n,
  );
}

/** Elements as beats of `perBeat` lanes; the last beat's unused lanes hold `filler`. */
export function beatsOf(
  values: readonly number[],
  perBeat: number,
  width: number,
  filler: () => number = () => 0,
): bigint[] {
  const beats: bigint[] = [];
  for (let i = 0; i < values.length; i += perBeat) {
    const row = Array.from({ length: perBeat }, (_, k) => values[i + k] ?? filler());
    beats.push(lanes(row, width));
  }
  return beats;
}
