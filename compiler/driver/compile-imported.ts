// The integers of a model whose file states its quantizers, as a design. In: what the import left, and what a text asks for.
// Out: the files of design/, with a score where the samples have something to compare with.
import type { OutputLoss, StatedProject } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import type { Manifest, Scale } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import type { ImportAccount } from "../report/results.ts";
import { compilerAssert } from "../support/assert.ts";
import { scoreOutputs } from "../train/output-losses.ts";
import { type CompiledDesign, compileProgram } from "./compile-program.ts";
import { entryOf, realValue } from "./scales.ts";

/** What the import left in a build directory. */
export interface ImportedProgram {
  readonly program: Program;
  readonly imported: ImportAccount;
  readonly samples: SampleSet;
}

/** Schedules and generates. Throws DiagnosticError for what a back end does not support. */
export function compileImported(
  { program, imported, samples }: ImportedProgram,
  { stated, compared, hardware }: Pick<StatedProject, "stated" | "compared" | "hardware">,
): CompiledDesign {
  return compileProgram(program, hardware, {
    samples,
    score: compared.every((kind) => kind === "nothing")
      ? null
      : (values) => scoreImported(imported, stated.outputs, compared, samples, values),
    trainingOf: () => undefined,
    scales: scalesOf(imported),
  });
}

type Values = ReadonlyMap<string, ArrayLike<number>>;

const LOSSES: Readonly<Record<"labels" | "targets", OutputLoss>> = {
  labels: { loss: { kind: "cross-entropy", smoothing: 0, weights: null }, weight: 1 },
  targets: { loss: { kind: "mse", weights: null }, weight: 1 },
};

/** Accuracy and loss of the outputs that the samples have something for. */
function scoreImported(
  { outputs }: ImportAccount,
  wanted: StatedProject["stated"]["outputs"],
  compared: StatedProject["compared"],
  { answers, count }: SampleSet,
  values: Values,
): Score {
  const judged = wanted.flatMap(({ name }, i) => {
    const kind = compared[i]!;
    if (kind === "nothing") return [];
    const at = outputs.findIndex((output) => output.name === name);
    const own = outputs[at];
    // The scores of a class come right before it.
    const scores = own?.role === "class" ? outputs[at - 1] : own;
    compilerAssert(own && scores, `the program has no output ${name}`);
    return [{ name, own, scores, loss: LOSSES[kind], answers: answers[i]! }];
  });
  const score = scoreOutputs(
    judged.map(({ loss }) => loss),
    judged.map(({ name }) => name),
    judged.map(({ scores }) =>
      Float64Array.from(values.get(scores.value)!, (m, i) => realValue(scores, m, i)),
    ),
    judged.map((output) => output.answers),
    count,
  );
  const accuracyOf = (i: number, found: number | null): number | null => {
    const { own, answers: right } = judged[i]!;
    // The program decides on integers, in which equal scores are equal.
    if (own.role !== "class" || right.labels.length === 0) return found;
    const classes = values.get(own.value)!;
    return (
      right.labels.reduce((hits, label, n) => hits + Number(label === classes[n]), 0) / right.labels.length
    );
  };
  if (!score.outputs) return { ...score, accuracy: accuracyOf(0, score.accuracy) };
  return {
    ...score,
    outputs: score.outputs.map((output, i) => ({ ...output, accuracy: accuracyOf(i, output.accuracy) })),
  };
}

/** What the integers of inputs and outputs stand for, by value. */
function scalesOf({ inputs, outputs }: ImportAccount): Manifest["scales"] {
  const ofInput = ({ scale, zeroPoint }: ImportAccount["inputs"][number]): Scale["offset"] => {
    const offset = (c: number): number => 0 - entryOf(zeroPoint, c) * entryOf(scale, c);
    const length = Math.max(...[scale, zeroPoint].map((n) => (typeof n === "number" ? 1 : n.length)));
    return length === 1 ? offset(0) : Array.from({ length }, (_, c) => offset(c));
  };
  return Object.fromEntries([
    ...inputs.map((input) => [input.name, { scale: input.scale, offset: ofInput(input) }] as const),
    ...outputs.map(({ value, scale, offset }) => [value, { scale, offset }] as const),
  ]);
}
