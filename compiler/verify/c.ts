// The C back end in the gate. In: a program, its C files, vectors. Out: how the compiled C compares: whole inferences
// with every traced value under sanitizers, every stage alone, and the shipped C without its trace.
import type { CManifest } from "../program/manifest.ts";
import type { Instruction, Program } from "../program/program.ts";
import { type TracedValue, tracedValues, traceLength } from "../program/trace.ts";
import { renderTemplate } from "../render/render.ts";
import { simulate } from "../sim/simulate.ts";
import { fail } from "../support/diagnostics.ts";
import type { FileSet } from "../support/file-set.ts";
import { compare, type Difference, type Observed } from "./compare.ts";
import { runAlone, tracedSources } from "./instruction-alone.ts";
import { type BackendResult, type Divergence, describeDivergence } from "./result.ts";
import type { CJob, CRunner, RunOutcome } from "./runners.ts";
import { stageInputs } from "./stage-inputs.ts";
import { sliceInputs, type VectorSet } from "./vectors.ts";

/** Vectors of one process: bounds the memory that traces take. */
const CHUNK = 1000;
/** Random inputs of every stage alone. */
const STAGE_VECTORS = 64;

export interface CTask {
  readonly program: Program;
  readonly manifest: CManifest;
  /** The design's files; those under c/ are used. */
  readonly files: FileSet;
  readonly vectors: VectorSet;
  readonly seed: number;
  readonly runner: CRunner;
  readonly tool: string;
  progress(fraction: number, text: string): void;
}

/** Runs every vector and every stage; stops at the first run that differs. */
export async function verifyC(task: CTask): Promise<BackendResult> {
  let mismatches = 0;
  let vectors = 0;
  const finish = (reason?: string, divergence?: Divergence): BackendResult => ({
    status: reason === undefined ? "passed" : "failed",
    vectors,
    mismatches,
    tool: task.tool,
    ...(reason === undefined ? {} : { reason }),
    ...(divergence ? { divergence, causeClass: divergence.causeClass } : {}),
  });
  const judge = (outcome: RunOutcome, what: string): string | undefined => {
    if (outcome.status === "rejected") return `the compiler refuses the C (${what}):\n${outcome.log}`;
    if (outcome.status === "crashed") return `the C program stops (${what}): ${outcome.log}`;
    return undefined;
  };

  const harness = createHarness(task);
  // Stages alone first: a constant that no inference reaches shows only here, and the place is exact.
  const alone = await runStages(task, harness);
  const broken = judge(alone.outcome, "stage by stage");
  if (broken) return finish(broken);
  mismatches += alone.difference.mismatches;
  if (alone.difference.divergence)
    return finish(describeDivergence(alone.difference.divergence), alone.difference.divergence);

  const { count } = task.vectors;
  for (let start = 0; start < count; start += CHUNK) {
    const size = Math.min(CHUNK, count - start);
    const inputs = sliceInputs(task.vectors, start, size);
    const expected = simulate(task.program, inputs, size).values;
    for (const traced of [true, false]) {
      const outcome = await task.runner.run(harness.inferences(inputs, size, traced));
      const what = traced ? "inference with sanitizers" : "inference as shipped";
      const reason = judge(outcome, what);
      if (reason) return finish(reason);
      if (outcome.status !== "done") continue;
      const rows = harness.readRows(outcome.output, size, traced);
      if (typeof rows === "string") return finish(`${rows} (${what})`);
      const difference = compare({
        program: task.program,
        traced: harness.traced,
        count: size,
        inputs,
        expected,
        ...rows,
        complete: true,
        run: what,
        stressed: false,
        vectorIndex: (n) => start + n,
        vectorName: (n) => task.vectors.nameOf(start + n),
      });
      mismatches += difference.mismatches;
      if (difference.divergence) {
        vectors += size;
        return finish(describeDivergence(difference.divergence), difference.divergence);
      }
    }
    vectors += size;
    task.progress(vectors / count, `C: ${vectors} of ${count} vectors`);
  }
  return finish();
}

/**
 * Runs inferences on the shipped C. `inputs` holds count x elements mantissas for each input. Gives the outputs by value
 * name. Throws verify/run-failed when the C does not compile or stops.
 */
export async function inferC(
  design: CDesign,
  inputs: ReadonlyMap<string, Int32Array>,
  count: number,
  runner: CRunner,
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const harness = createHarness(design);
  const outcome = await runner.run(harness.inferences(inputs, count, false));
  if (outcome.status !== "done") return fail("verify/run-failed", { backend: "C", log: outcome.log });
  const rows = harness.readRows(outcome.output, count, false);
  if (typeof rows === "string") return fail("verify/run-failed", { backend: "C", log: rows });
  return new Map(rows.outputs.map(({ value, seen }) => [value, seen.values]));
}

interface Harness {
  readonly traced: readonly TracedValue[];
  inferences(inputs: ReadonlyMap<string, Int32Array>, count: number, traced: boolean): CJob;
  /** `inputs` has one array for each operand: count x elements. */
  stages(
    calls: readonly { readonly index: number; readonly inputs: readonly Float64Array[] }[],
    count: number,
  ): CJob;
  /** Rows of traced values and outputs, or what is wrong with their number. */
  readRows(
    output: Uint8Array,
    count: number,
    traced: boolean,
  ):
    | string
    | {
        observed: ReadonlyMap<string, Observed>;
        outputs: readonly { readonly value: string; readonly seen: Observed }[];
      };
}

type CDesign = Pick<CTask, "program" | "manifest" | "files">;

function createHarness({ program, manifest, files }: CDesign): Harness {
  const traced = tracedValues(program);
  const length = traceLength(program);
  const parameters = [
    ...manifest.inputs.map((port) => ({ ...port, isInput: true })),
    ...manifest.outputs.map((port) => ({ ...port, isInput: false })),
  ].map((port, index) => ({ index, type: port.cType, elements: port.elements, isInput: port.isInput }));
  const text = renderTemplate("harness/c-harness.c", {
    prefix: manifest.prefix,
    header: manifest.header,
    traceLength: length,
    tracedCount: traced.length,
    offsets: traced.map((t) => t.offset),
    longest: Math.max(
      ...parameters.map((p) => p.elements),
      ...manifest.layers.flatMap((l) => [...l.inputs.map((input) => input.elements), l.resultElements]),
    ),
    parameters,
    stages: manifest.layers.map((layer, index) => ({
      index,
      command: index + 2,
      name: layer.function,
      inputs: layer.inputs.map(({ cType, elements }, k) => ({ index: k, type: cType, elements })),
      resultType: layer.resultCType,
      results: layer.resultElements,
    })),
  });
  const own = new Map<string, string | Uint8Array>();
  for (const [path, content] of files) if (path.startsWith("c/")) own.set(path.slice(2), content);
  own.set("harness.c", text);
  const job = (isTraced: boolean, request: Float64Array): CJob => ({
    files: own,
    sources: [...manifest.sources.filter((path) => path.endsWith(".c")), "harness.c"],
    defines: isTraced ? ["NF_TRACE"] : [],
    sanitize: isTraced,
    request: new Uint8Array(request.buffer),
    timeoutSeconds: 900,
  });
  const outputElements = manifest.outputs.reduce((sum, port) => sum + port.elements, 0);

  return {
    traced,
    inferences: (inputs, count, isTraced) => {
      const sizes = manifest.inputs.map((port) => port.elements);
      const row = sizes.reduce((sum, n) => sum + n, 0);
      const request = new Float64Array(2 + count * row + 1);
      request.set([1, count]);
      let at = 2;
      for (let n = 0; n < count; n++)
        for (const [k, port] of manifest.inputs.entries()) {
          const size = sizes[k]!;
          request.set(inputs.get(port.value)!.subarray(n * size, (n + 1) * size), at);
          at += size;
        }
      return job(isTraced, request);
    },
    stages: (calls, count) => {
      const given = calls.flatMap((call) => call.inputs).reduce((sum, input) => sum + input.length, 0);
      const request = new Float64Array(2 * calls.length + given + 1);
      let at = 0;
      for (const { index, inputs } of calls) {
        request.set([index + 2, count], at);
        at += 2;
        for (let n = 0; n < count; n++)
          for (const input of inputs) {
            const size = input.length / count;
            request.set(input.subarray(n * size, (n + 1) * size), at);
            at += size;
          }
      }
      return job(true, request);
    },
    readRows: (output, count, isTraced) => {
      const row = (isTraced ? length : 0) + outputElements;
      const numbers = doublesOf(output);
      if (numbers.length !== count * row)
        return `the C program wrote ${numbers.length} of ${count * row} integers`;
      const column = (offset: number, elements: number): Observed => {
        const values = new Float64Array(count * elements);
        for (let n = 0; n < count; n++)
          values.set(numbers.subarray(n * row + offset, n * row + offset + elements), n * elements);
        return { values };
      };
      const observed = new Map<string, Observed>();
      if (isTraced) for (const t of traced) observed.set(t.value.name, column(t.offset, t.elements));
      let offset = isTraced ? length : 0;
      const outputs = manifest.outputs.map((port) => {
        const seen = column(offset, port.elements);
        offset += port.elements;
        return { value: port.value, seen };
      });
      return { observed, outputs };
    },
  };
}

/** Bytes as little-endian doubles; a tail of less than one is dropped, the count then tells. */
export function doublesOf(bytes: Uint8Array): Float64Array {
  const whole = bytes.length - (bytes.length % 8);
  return new Float64Array(bytes.slice(0, whole).buffer);
}

/**
 * Every stage on its own with integers of the whole range that its input can have, those that drive its sums to their ends
 * among them: so weights of an input that is always zero, or of a neuron that never fires, take part too.
 */
async function runStages(
  task: CTask,
  harness: Harness,
): Promise<{ outcome: RunOutcome; difference: Difference }> {
  const { program, manifest } = task;
  const calls: {
    index: number;
    instruction: Instruction;
    inputs: readonly Float64Array[];
    results: number;
  }[] = [];
  for (const [index, layer] of manifest.layers.entries()) {
    const instruction = program.instructions.find((i) => i.result === layer.result);
    if (!instruction) continue;
    calls.push({
      index,
      instruction,
      inputs: stageInputs(program, instruction, STAGE_VECTORS, task.seed),
      results: layer.resultElements,
    });
  }
  const outcome = await task.runner.run(harness.stages(calls, STAGE_VECTORS));
  if (outcome.status !== "done") return { outcome, difference: { mismatches: 0 } };
  const numbers = doublesOf(outcome.output);
  let at = 0;
  let mismatches = 0;
  let divergence: Divergence | undefined;
  for (const { instruction, inputs, results } of calls) {
    const size = STAGE_VECTORS * results;
    const difference = compare({
      program,
      traced: harness.traced,
      count: STAGE_VECTORS,
      inputs: new Map(tracedSources(program, instruction).map((name, k) => [name, inputs[k]!])),
      expected: new Map([[instruction.result, runAlone(program, instruction, inputs, STAGE_VECTORS)]]),
      observed: new Map([[instruction.result, { values: numbers.subarray(at, at + size) }]]),
      outputs: [],
      complete: true,
      run: "the stage alone",
      stressed: false,
      vectorIndex: (n) => n,
      vectorName: (n) => `stage input ${n}`,
    });
    at += size;
    mismatches += difference.mismatches;
    divergence ??= difference.divergence;
  }
  return { outcome, difference: { mismatches, ...(divergence ? { divergence } : {}) } };
}
