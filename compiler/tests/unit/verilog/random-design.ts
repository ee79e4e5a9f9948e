// Random designs with test bench and vectors, and their run in Icarus. In: a seed. Out: files, and what the bench says.
import type { RtlManifest } from "../../../program/manifest.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { simulate } from "../../../sim/simulate.ts";
import { type FileSet, mergeFileSets } from "../../../support/file-set.ts";
import { generateVerilog, tbVectors } from "../../../verilog/generate.ts";
import { randomInputs } from "../program/random-branching.ts";
import { type RandomDataflow, randomDataflow } from "./random-dataflow.ts";
import { type RandomCase, randomCase } from "./random-program.ts";
import { inFolder, run } from "./run-tools.ts";

export interface RandomDesign extends RandomCase {
  readonly files: FileSet;
  readonly manifest: RtlManifest;
}

/** A chain, or a program with branches and several ports. */
export function randomDesign(seed: number, packets: number, branching = false): RandomDesign {
  return branching
    ? designOfDataflow(randomDataflow(seed), packets, seed)
    : designOfCase(randomCase(seed, packets));
}

/** A program with random inputs. */
export function designOfDataflow(
  { program, options }: RandomDataflow,
  packets: number,
  seed: number,
): RandomDesign {
  return designOfCase({ program, options, inputs: randomInputs(program, packets, seed), packets });
}

/** Verilog of a case with its test bench and vectors. Throws what `scheduleProgram` throws. */
export function designOfCase(one: RandomCase): RandomDesign {
  const { program, options, inputs, packets } = one;
  const schedule = scheduleProgram(program, options);
  const { files, manifest } = generateVerilog(program, schedule, { version: "0.0.0" });
  const values = simulate(program, inputs, packets).values;
  const outputs = new Map<string, ArrayLike<number>>([...inputs, ...values]);
  const vectors = tbVectors(program, manifest, inputs, outputs);
  return { ...one, files: mergeFileSets(files, vectors), manifest };
}

/** What stands against a design: warnings, values or cycles that are not the simulator's; empty when nothing does. */
export function complaintsOfIcarus({ files, manifest, packets }: RandomDesign): string {
  return inFolder(files, (folder) => {
    const bench = `${manifest.top}_tb`;
    const args = ["-g2005", "-Wall", "-o", "x.vvp", "-s", bench, ...manifest.sources, `tb/${bench}.v`];
    const { status, stderr } = run(folder, "iverilog", args);
    if (status !== 0 || stderr !== "") return stderr || `status ${status}`;
    const { stdout } = run(folder, "vvp", ["-n", "x.vvp"]);
    const passed = stdout.split("\n").includes(`PASS: ${packets} packets, twice`);
    return passed && !stdout.includes("FAIL") ? "" : stdout.slice(-500);
  });
}
