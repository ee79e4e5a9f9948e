// What the sections of a file ask of each other: the losses of the outputs, the targets of the data, the augmentation
// of the inputs, the hardware of the output. In: checked sections. Out: diagnostics, and what the hardware puts out.
import type { HardwareSpec, TrainingSpec } from "../graph/project.ts";
import { product, spatialOf } from "../graph/shapes.ts";
import type { Span } from "../support/source-file.ts";
import type { CheckedData } from "./check-data.ts";
import type { CheckedHardware } from "./check-hardware.ts";
import { type CheckedModel, type CheckedOutput, scoresOf } from "./check-model.ts";
import { type CheckedLoss, type CheckedTraining, LOSS_WORDS } from "./check-training.ts";
import type { CheckContext } from "./read-fields.ts";
import type { Signal } from "./signal.ts";

/** Whether the losses can compare the outputs of the model with what they are to compare them with. */
export function checkLosses(
  { spec, places }: CheckedTraining,
  losses: readonly CheckedLoss[],
  model: CheckedModel,
  context: CheckContext,
): void {
  const { inputs, outputs } = model;
  if (spec.target === "input" && inputs.length !== outputs.length) {
    const parameters = { inputs: inputs.length, outputs: outputs.length };
    context.collector.add("language/outputs-unlike-inputs", parameters, { span: places.get("target")! });
    return;
  }
  losses.forEach((loss, i) => {
    checkLoss(loss, outputs[i]!, spec.target, spec.target === "input" ? inputs[i]! : undefined, context);
  });
}

/** `copied` is the input that the output is to reproduce. */
function checkLoss(
  { spec, at, weightsAt }: CheckedLoss,
  output: CheckedOutput,
  target: TrainingSpec["target"],
  copied: Signal | undefined,
  { collector }: CheckContext,
): void {
  const last = scoresOf(output);
  const { signal } = output;
  const classes = spec.kind === "cross-entropy";
  const units = classes ? last.shape.at(-1)! : product(last.shape);
  if (classes && units < 2) collector.add("language/too-few-classes", {}, { span: last.span });
  if (!classes && target !== "float" && signal.kind === "argmax") {
    const related = [{ message: "the argmax", span: signal.span }];
    collector.add("language/argmax-of-values", { loss: LOSS_WORDS[spec.kind] }, { span: at!, related });
  }
  const elements = copied ? product(copied.shape) : units;
  if (copied && units !== elements) {
    const related = [{ message: "the input", span: copied.span }];
    collector.add("language/units-unlike-input", { units, elements }, { span: last.span, related });
  }
  const { weights } = spec;
  if (weights && weightsAt && weights.length !== units) {
    const parameters = { found: weights.length, outputs: units };
    collector.add("language/weight-count", parameters, { span: weightsAt });
  }
}

/** A CSV names each target: one for each unit of the last dense. */
export function checkTargets(
  data: CheckedData,
  losses: readonly CheckedLoss[],
  model: CheckedModel,
  context: CheckContext,
): void {
  for (const { output, count, span } of data.targetLists) {
    if (losses[output]!.answers.needed !== "targets") continue;
    const last = scoresOf(model.outputs[output]!);
    const outputs = product(last.shape);
    if (count === outputs) continue;
    const related = [{ message: `the last ${last.word}`, span: last.span }];
    const parameters = { found: count, outputs };
    context.collector.add("language/target-count", parameters, { span, related });
  }
}

/** Whether a mirrored image takes with it what the positions of an output are compared with: the classes of its pixels. */
function isMirrored(
  positions: readonly number[],
  loss: CheckedLoss,
  images: readonly (readonly number[])[],
): boolean {
  const pixels = images.some((shape) => spatialOf(shape).join("x") === positions.join("x"));
  return loss.spec.kind === "cross-entropy" && pixels;
}

/**
 * What the augmentation asks of the model's inputs and of the positions of its outputs: each change is reported once. At
 * least one input is an image; others stay as they are.
 */
export function checkAugmentation(
  training: CheckedTraining,
  losses: readonly CheckedLoss[] | undefined,
  model: CheckedModel,
  context: CheckContext,
): void {
  const { spec, changes } = training;
  const shapes = model.inputs.map(({ shape }) => shape);
  const images = shapes.filter((shape) => shape.length === 3);
  const { shiftPixels } = spec.augment;
  for (const [change, span] of changes) {
    if (change === "noise") continue;
    const small = images.find(([height = 0, width = 0]) => shiftPixels >= Math.min(height, width));
    const fixed =
      spec.target !== "data"
        ? undefined
        : model.outputs.find((output, i) => {
            const positions = spatialOf(scoresOf(output).shape);
            if (product(positions) <= 1) return false;
            return change === "shift" || (losses !== undefined && !isMirrored(positions, losses[i]!, images));
          });
    if (spec.target === "float") context.collector.add("language/augmented-float", { change }, { span });
    else if (images.length === 0)
      context.collector.add("language/needs-image", { change, shape: shapes[0]! }, { span });
    else if (change === "shift" && small) {
      context.collector.add("language/shift-too-far", { shift: shiftPixels, shape: small }, { span });
    } else if (fixed) {
      const positions = spatialOf(scoresOf(fixed).shape);
      context.collector.add("language/positions-not-moved", { change, positions }, { span });
    }
  }
}

/** What the hardware puts out: as asked; else the class where the model ends in argmax, and the logits elsewhere. `span` is its first output. */
export function chooseOutputs(
  { outputs, places }: CheckedHardware,
  { hasClass, span }: { readonly hasClass: boolean; readonly span: Span },
  context: CheckContext,
): HardwareSpec["outputs"] {
  if (outputs !== undefined && outputs !== "logits" && !hasClass) {
    const related = [{ message: "the output", span }];
    context.collector.add(
      "language/class-without-argmax",
      { outputs },
      { span: places.get("outputs")!, related },
    );
  }
  return outputs ?? (hasClass ? "class" : "logits");
}
