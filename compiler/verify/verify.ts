// The exactness gate. In: a compiled design, samples, runners of the tools. Out: whether simulator, C and Verilog
// compute the same integers everywhere, and if not, where they part first.
import type { Manifest } from "../program/manifest.ts";
import { type Program, valueNamed } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";
import { DiagnosticError } from "../support/diagnostics.ts";
import type { FileSet } from "../support/file-set.ts";
import type { ProgressSink } from "../support/host.ts";
import { addCounts, type BranchCoverage, branchesOf, coverageOf, noCounts } from "./branches.ts";
import { verifyC } from "./c.ts";
import { compare } from "./compare.ts";
import { workOf } from "./hunt.ts";
import { intervalsOf, overflowText } from "./intervals.ts";
import { type BackendResult, describeDivergence, type VerifyResult } from "./result.ts";
import { rtlVectors as vectorsForRtl, verifyRtl, type WaveWish } from "./rtl.ts";
import type { CRunner, RtlRunner, ToolProbe } from "./runners.ts";
import { makeVectors, type Samples, sliceInputs, type VectorSet } from "./vectors.ts";

/** What `compile` made; paths in `files` are relative to design/: rtl/, tb/, c/. */
export interface Design {
  readonly program: Program;
  readonly manifest: Manifest;
  readonly files: FileSet;
}

export interface VerifyOptions {
  readonly seed: number;
  /** Back ends that are left out on purpose. */
  readonly without?: readonly ("c" | "rtl")[];
  /** Samples that go through the Verilog, default 1000; simulator and C take all. */
  readonly rtlVectors?: number;
  /** A few vectors through the Verilog before all of them: what is wrong shows sooner. Default false. */
  readonly firstLook?: boolean;
  readonly wave?: WaveWish;
}

export interface Runners {
  readonly c?: CRunner;
  readonly rtl?: RtlRunner;
}

const DEFAULT_RTL_VECTORS = 1000;
const CHUNK = 1000;
/** Vectors whose values are looked at together: bounds the memory. */
const COVERED_AT_ONCE = 100;
/** Multiplications that looking at branches may take. */
const COVERED_WORK = 2e9;

/**
 * Runs the gate. Differences are results, not errors. Throws DiagnosticError: verify/bad-samples when the samples do
 * not fit the program; category environment when a tool of a back end that was not left out is missing or fails, all
 * missing tools at once and before any work.
 */
export async function verifyDesign(
  design: Design,
  samples: Samples | undefined,
  options: VerifyOptions,
  runners: Runners,
  progress?: ProgressSink,
): Promise<VerifyResult> {
  const { program, manifest, files } = design;
  const { seed, without = [], rtlVectors = DEFAULT_RTL_VECTORS, firstLook = false, wave } = options;
  const wanted = {
    c: manifest.c !== undefined && !without.includes("c") ? runners.c : undefined,
    rtl: manifest.rtl !== undefined && !without.includes("rtl") ? runners.rtl : undefined,
  };
  const probes = { c: await wanted.c?.probe(), rtl: await wanted.rtl?.probe() };
  const missing = [probes.c, probes.rtl].flatMap((probe) =>
    probe && !probe.found ? [probe.diagnostic] : [],
  );
  if (missing.length > 0) throw new DiagnosticError(missing);

  const vectors = makeVectors(program, samples, seed);
  const say = (text: string): void => progress?.line(text);
  say(`${vectors.samples} samples and ${vectors.count - vectors.samples} synthetic vectors`);
  const sim = verifySimulator(program, samples, vectors);
  const task = (from: number, to: number, probe: ToolProbe) => ({
    program,
    files,
    vectors,
    seed,
    tool: probe.found ? probe.version : probe.tool,
    progress: (fraction: number, text: string) => progress?.update(from + fraction * (to - from), text),
  });

  let c: BackendResult | undefined;
  if (manifest.c && wanted.c && probes.c) {
    c = await verifyC({ ...task(0, 0.5, probes.c), manifest: manifest.c, runner: wanted.c });
    say(`C: ${summary(c)}`);
  } else c = skipped("c", manifest.c !== undefined, without);
  let rtl: BackendResult | undefined;
  if (manifest.rtl && wanted.rtl && probes.rtl) {
    rtl = await verifyRtl({
      ...task(0.5, 1, probes.rtl),
      manifest: manifest.rtl,
      samples: rtlVectors,
      firstLook,
      ...(wave ? { wave } : {}),
      runner: wanted.rtl,
    });
    say(`Verilog: ${summary(rtl)}`);
  } else rtl = skipped("rtl", manifest.rtl !== undefined, without);
  return {
    status: [sim, c, rtl].some((result) => result.status === "failed") ? "failed" : "passed",
    seed,
    vectors: { samples: vectors.samples, synthetic: vectors.count - vectors.samples },
    sim,
    c,
    rtl,
    branches: coverBranches(program, vectors, rtlVectors),
  };
}

/**
 * What the synthetic vectors take, and the first samples: those that go through the Verilog, and the C too, or as many of them as
 * are simulated in seconds.
 */
function coverBranches(program: Program, all: VectorSet, samples: number): BranchCoverage {
  const affordable = Math.floor(COVERED_WORK / workOf(program)) - (all.count - all.samples);
  const vectors = vectorsForRtl(all, Math.max(0, Math.min(samples, affordable)));
  const branches = branchesOf(program);
  const counts = noCounts(branches);
  for (let start = 0; start < vectors.count; start += COVERED_AT_ONCE) {
    const size = Math.min(COVERED_AT_ONCE, vectors.count - start);
    const { values } = simulate(program, sliceInputs(vectors, start, size), size);
    addCounts(program, branches, values, size, counts);
  }
  return coverageOf(branches, counts, vectors.count);
}

function summary(result: BackendResult): string {
  if (result.status === "passed") return `${result.vectors} vectors, 0 mismatches`;
  return `${result.status}, ${result.mismatches} mismatches: ${result.reason ?? ""}`;
}

function skipped(backend: "c" | "rtl", inDesign: boolean, without: readonly string[]): BackendResult {
  const reason = without.includes(backend)
    ? `left out by --without ${backend}`
    : inDesign
      ? "there is no runner for it here"
      : "the design was compiled without it";
  return { status: "skipped", vectors: 0, mismatches: 0, reason };
}

/**
 * Whether every sum of the program fits its accumulator for all inputs; then the simulator against known outputs of the samples,
 * without which it is the measure.
 */
function verifySimulator(program: Program, samples: Samples | undefined, vectors: VectorSet): BackendResult {
  const [overflow] = intervalsOf(program).overflows;
  if (overflow) return { status: "failed", vectors: 0, mismatches: 0, reason: overflowText(overflow) };
  const known = samples?.expected;
  if (!samples || !known || samples.count === 0)
    return { status: "passed", vectors: vectors.count, mismatches: 0 };
  let mismatches = 0;
  for (let start = 0; start < samples.count; start += CHUNK) {
    const size = Math.min(CHUNK, samples.count - start);
    const inputs = sliceInputs(vectors, start, size);
    const values = simulate(program, inputs, size).values;
    const difference = compare({
      program,
      traced: [],
      count: size,
      inputs,
      expected: new Map(
        [...known].map(([value, data]) => {
          const elements = values.get(value)!.length / size;
          return [
            value,
            Array.from({ length: size * elements }, (_, i) => data[start * elements + i] ?? Number.NaN),
          ];
        }),
      ),
      observed: new Map(),
      outputs: [...known.keys()].map((value) => {
        valueNamed(program, value);
        return { value, seen: { values: values.get(value)! } };
      }),
      complete: true,
      run: "simulator against the known outputs",
      stressed: false,
      vectorIndex: (n) => start + n,
      vectorName: (n) => vectors.nameOf(start + n),
    });
    mismatches += difference.mismatches;
    if (difference.divergence)
      return {
        status: "failed",
        vectors: start + size,
        mismatches,
        reason: describeDivergence(difference.divergence),
        divergence: difference.divergence,
        causeClass: difference.divergence.causeClass,
      };
  }
  return { status: "passed", vectors: vectors.count, mismatches: 0 };
}
