// What the sections of a file ask of each other: the loss of the outputs, the targets of the data, the augmentation
// of the input, the hardware of the output. In: checked sections. Out: diagnostics, and what the hardware puts out.
import type { HardwareSpec } from "../graph/project.ts";
import type { CheckedData } from "./check-data.ts";
import type { CheckedHardware } from "./check-hardware.ts";
import type { CheckedModel } from "./check-model.ts";
import { type CheckedTraining, LOSS_WORDS } from "./check-training.ts";
import type { CheckContext } from "./read-fields.ts";
import type { Signal } from "./signal.ts";

/** The last dense; undefined where an error was reported for its lack. */
function lastDense({ output }: CheckedModel): (Signal & { readonly units: number }) | undefined {
  const { signal } = output;
  const last = signal.kind === "argmax" ? signal.input : signal;
  return last?.units === undefined ? undefined : { ...last, units: last.units };
}

/** Whether the loss can compare the outputs of the model with what it is to compare them with. */
export function checkLoss(
  { spec, places, answers, weightsAt }: CheckedTraining,
  model: CheckedModel,
  context: CheckContext,
): void {
  const last = lastDense(model);
  if (!answers || !last) return;
  const { collector } = context;
  const { signal } = model.output;
  const classes = spec.loss.kind === "cross-entropy";
  if (classes && last.units < 2) collector.add("language/too-few-classes", {}, { span: last.span });
  if (!classes && signal.kind === "argmax") {
    const related = [{ message: "the argmax", span: signal.span }];
    const parameters = { loss: LOSS_WORDS[spec.loss.kind] };
    collector.add("language/argmax-of-values", parameters, { span: places.get("loss")!, related });
  }
  const elements = model.input.shape.reduce((a, b) => a * b, 1);
  if (spec.target === "input" && last.units !== elements) {
    const related = [{ message: "the input", span: model.input.span }];
    const parameters = { units: last.units, elements };
    collector.add("language/units-unlike-input", parameters, { span: last.span, related });
  }
  const { weights } = spec.loss;
  if (weights && weightsAt && weights.length !== last.units) {
    const parameters = { found: weights.length, outputs: last.units };
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
  const last = lastDense(model);
  if (training.answers?.needed !== "targets" || !last) return;
  for (const { count, span } of data.targetLists) {
    if (count === last.units) continue;
    const related = [{ message: "the last dense", span: last.span }];
    const parameters = { found: count, outputs: last.units };
    context.collector.add("language/target-count", parameters, { span, related });
  }
}

/** What the augmentation asks of the model's input. */
export function checkAugmentation(
  { spec, changes }: CheckedTraining,
  model: CheckedModel,
  context: CheckContext,
): void {
  const { shape } = model.input;
  const [height = 0, width = 0] = shape;
  const { shiftPixels } = spec.augment;
  for (const [change, span] of changes) {
    if (change === "noise") continue;
    if (shape.length !== 3) context.collector.add("language/needs-image", { change, shape }, { span });
    else if (change === "shift" && shiftPixels >= Math.min(height, width)) {
      context.collector.add("language/shift-too-far", { shift: shiftPixels, shape }, { span });
    }
  }
}

/** What the hardware puts out: as asked; else the class where the model ends in argmax, and the logits elsewhere. */
export function chooseOutputs(
  { outputs, places }: CheckedHardware,
  model: CheckedModel,
  context: CheckContext,
): HardwareSpec["outputs"] {
  const hasClass = model.output.signal.kind === "argmax";
  if (outputs !== undefined && outputs !== "logits" && !hasClass) {
    const related = [{ message: "the output", span: model.output.signal.span }];
    context.collector.add(
      "language/class-without-argmax",
      { outputs },
      { span: places.get("outputs")!, related },
    );
  }
  return outputs ?? (hasClass ? "class" : "logits");
}
