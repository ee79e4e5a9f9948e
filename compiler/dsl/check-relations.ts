// What the sections of a file ask of each other: the loss of the outputs, the targets of the data, the augmentation
// of the input, the hardware of the output. In: checked sections. Out: diagnostics, and what the hardware puts out.
import type { HardwareSpec } from "../graph/project.ts";
import { product, spatialOf } from "../graph/shapes.ts";
import type { CheckedData } from "./check-data.ts";
import type { CheckedHardware } from "./check-hardware.ts";
import { type CheckedModel, scoresOf } from "./check-model.ts";
import { type CheckedTraining, LOSS_WORDS } from "./check-training.ts";
import type { CheckContext } from "./read-fields.ts";
import type { Signal } from "./signal.ts";

/** What the loss compares; undefined where several outputs leave it open. The trainer then has its say. */
function comparedScores({ outputs }: CheckedModel): Signal | undefined {
  return outputs.length === 1 ? scoresOf(outputs[0]!) : undefined;
}

/** Whether the loss can compare the outputs of the model with what it is to compare them with. */
export function checkLoss(
  { spec, places, answers, weightsAt }: CheckedTraining,
  model: CheckedModel,
  context: CheckContext,
): void {
  const last = comparedScores(model);
  if (!answers || !last) return;
  const { collector } = context;
  const { signal } = model.outputs[0]!;
  const classes = spec.loss.kind === "cross-entropy";
  const units = classes ? last.shape.at(-1)! : product(last.shape);
  if (classes && units < 2) collector.add("language/too-few-classes", {}, { span: last.span });
  if (!classes && spec.target !== "float" && signal.kind === "argmax") {
    const related = [{ message: "the argmax", span: signal.span }];
    const parameters = { loss: LOSS_WORDS[spec.loss.kind] };
    collector.add("language/argmax-of-values", parameters, { span: places.get("loss")!, related });
  }
  const [input] = model.inputs;
  const elements = product(input!.shape);
  if (spec.target === "input" && model.inputs.length === 1 && units !== elements) {
    const related = [{ message: "the input", span: input!.span }];
    const parameters = { units, elements };
    collector.add("language/units-unlike-input", parameters, { span: last.span, related });
  }
  const { weights } = spec.loss;
  if (weights && weightsAt && weights.length !== units) {
    const parameters = { found: weights.length, outputs: units };
    collector.add("language/weight-count", parameters, { span: weightsAt });
  }
}

/** A CSV names each target: one for each unit of the last dense. */
export function checkTargets(
  data: CheckedData,
  training: CheckedTraining,
  model: CheckedModel,
  context: CheckContext,
): void {
  const last = comparedScores(model);
  if (training.answers?.needed !== "targets" || !last) return;
  const outputs = product(last.shape);
  for (const { count, span } of data.targetLists) {
    if (count === outputs) continue;
    const related = [{ message: `the last ${last.word}`, span: last.span }];
    const parameters = { found: count, outputs };
    context.collector.add("language/target-count", parameters, { span, related });
  }
}

/** Whether a mirrored image takes with it what the positions of the output are compared with: the classes of its pixels. */
function isMirrored(
  positions: readonly number[],
  { spec }: CheckedTraining,
  { inputs }: CheckedModel,
): boolean {
  const pixels = inputs.every(({ shape }) => spatialOf(shape).join("x") === positions.join("x"));
  return spec.loss.kind === "cross-entropy" && pixels;
}

/** What the augmentation asks of the model's inputs and of the positions of its output: each change is reported once. */
export function checkAugmentation(
  training: CheckedTraining,
  model: CheckedModel,
  context: CheckContext,
): void {
  const { spec, changes } = training;
  const last = spec.target === "data" ? comparedScores(model) : undefined;
  const positions = last ? spatialOf(last.shape) : [];
  const shapes = model.inputs.map(({ shape }) => shape);
  const { shiftPixels } = spec.augment;
  for (const [change, span] of changes) {
    if (change === "noise") continue;
    const flat = shapes.find((shape) => shape.length !== 3);
    const small = shapes.find(([height = 0, width = 0]) => shiftPixels >= Math.min(height, width));
    if (spec.target === "float") context.collector.add("language/augmented-float", { change }, { span });
    else if (flat) context.collector.add("language/needs-image", { change, shape: flat }, { span });
    else if (change === "shift" && small) {
      context.collector.add("language/shift-too-far", { shift: shiftPixels, shape: small }, { span });
    } else if (product(positions) > 1 && (change === "shift" || !isMirrored(positions, training, model)))
      context.collector.add("language/positions-not-moved", { change, positions }, { span });
  }
}

/** What the hardware puts out: as asked; else the class where the model ends in argmax, and the logits elsewhere. */
export function chooseOutputs(
  { outputs, places }: CheckedHardware,
  model: CheckedModel,
  context: CheckContext,
): HardwareSpec["outputs"] {
  const hasClass = model.outputs.some(({ signal }) => signal.kind === "argmax");
  if (outputs !== undefined && outputs !== "logits" && !hasClass) {
    const related = [{ message: "the output", span: model.outputs[0]!.signal.span }];
    context.collector.add(
      "language/class-without-argmax",
      { outputs },
      { span: places.get("outputs")!, related },
    );
  }
  return outputs ?? (hasClass ? "class" : "logits");
}
