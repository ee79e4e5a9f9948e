// Resize and Upsample: images and sequences enlarged by whole factors. Whatever repeats every position equally often is
// supported, however the file says it.
import {
  anyTensor,
  axisOf,
  type Call,
  constantOperand,
  floatsAttribute,
  intsAttribute,
  intsOperand,
  type Reader,
  refuse,
  textAttribute,
} from "../call.ts";
import type { Tensor } from "../network.ts";
import { dimsOf, sizeOf } from "../view.ts";
import { axesInMemory } from "./joins.ts";

const SOUND = "the file is no sound ONNX graph; export the model again";

/** Resize and Upsample: the nearest neighbour by whole factors. */
export const resize =
  (isOld: boolean): Reader =>
  (call) => {
    const tensor = anyTensor(call, 0);
    const { view } = tensor;
    const dims = dimsOf(view, call.batchSize);
    const mode = textAttribute(call, "mode", "nearest");
    if (mode !== "nearest") refuse(call, `its mode is ${JSON.stringify(mode)}`, 'use the mode "nearest"');
    const hasRegions = !isOld && call.opset > 10;
    const at = hasRegions ? 2 : 1;
    const axes = intsAttribute(call, "axes")?.map((axis) => axisOf(call, axis, dims.length)) ?? [
      ...dims.keys(),
    ];
    const factors = dims.map(() => 1);
    const given = call.operands[at] ? [...constantOperand(call, at, "scales").numbers()] : [];
    const scales = given.length > 0 ? given : (isOld && floatsAttribute(call, "scales")) || [];
    const sizes = scales.length > 0 ? [] : (intsOperand(call, at + 1, "sizes") ?? []);
    const list = scales.length > 0 ? scales : sizes;
    if (list.length !== axes.length)
      refuse(call, `it has ${list.length} factors for ${axes.length} axes`, SOUND);
    axes.forEach((axis, i) => {
      factors[axis] = scales.length > 0 ? scales[i]! : sizes[i]! / dims[axis]!;
    });
    if (!factors.every((factor) => Number.isInteger(factor) && factor >= 1 && factor <= 1024))
      refuse(call, `its factors are ${factors.join(" x ")}`, "enlarge by whole factors");
    if (hasRegions) checkNearest(call, dims, factors);
    if (factors.every((factor) => factor === 1)) return [tensor];
    const scaled = factors.flatMap((factor, axis) => (factor > 1 ? [axis] : []));
    if (view.batch >= 0 && scaled.includes(view.batch))
      refuse(call, "it repeats samples of the batch", "keep the batch as it is");
    if (scaled.length > 2)
      refuse(call, `it enlarges ${scaled.length} axes`, "images have two axes to enlarge");
    const spatial = spatialAxes(call, tensor, scaled);
    const rest = view.factors
      .map((_, factor) => factor)
      .filter((f) => !spatial.some((axis) => view.axes[axis]!.includes(f)));
    const input = call.network.arranged(call, tensor, [...spatial.map((axis) => view.axes[axis]!), rest]);
    const node = call.network.add(call, {
      kind: "upsample",
      input,
      factors: spatial.map((axis) => factors[axis]!),
    });
    const results = dims.map((_, axis) => sizeOf(view, axis) * factors[axis]!);
    const others = view.axes
      .map((own, axis) => ({ own, axis }))
      .filter(({ axis, own }) => !spatial.includes(axis) && own.length > 0);
    const channels = rest.map((factor) => view.factors[factor]!);
    const offsets = spatial.filter((axis) => results[axis]! > 1);
    return [
      {
        ...tensor,
        node,
        movedBy: undefined,
        view: {
          factors: [...offsets.map((axis) => results[axis]!), ...channels],
          axes: view.axes.map((own, axis) => {
            if (offsets.includes(axis)) return [offsets.indexOf(axis)];
            return others.some((other) => other.axis === axis)
              ? own.map((f) => offsets.length + rest.indexOf(f))
              : [];
          }),
          batch: view.batch,
        },
      },
    ];
  };

/** The axes of an image or a sequence among which are those that are enlarged; the other one stays as it is. */
function spatialAxes({ network }: Call, tensor: Tensor, scaled: readonly number[]): readonly number[] {
  const { view } = tensor;
  if (scaled.length === 2 || view.axes.length < 4) return scaled;
  const inMemory = axesInMemory(network, tensor, []).filter((axis) => axis >= 0);
  const other = inMemory.slice(0, -1).find((axis) => !scaled.includes(axis));
  const both = other === undefined ? scaled : [...scaled, other];
  return both.toSorted((a, b) => inMemory.indexOf(a) - inMemory.indexOf(b));
}

/** Refuses a Resize that is not plain repetition. */
function checkNearest(call: Call, dims: readonly number[], factors: readonly number[]): void {
  const transform = textAttribute(call, "coordinate_transformation_mode", "half_pixel");
  const rounding = textAttribute(call, "nearest_mode", "round_prefer_floor");
  const round: Readonly<Record<string, (x: number) => number>> = {
    round_prefer_floor: (x) => Math.ceil(x - 0.5),
    round_prefer_ceil: (x) => Math.floor(x + 0.5),
    floor: Math.floor,
    ceil: Math.ceil,
  };
  const source: Readonly<Record<string, (x: number, size: number, factor: number) => number>> = {
    half_pixel: (x, _, factor) => (x + 0.5) / factor - 0.5,
    half_pixel_symmetric: (x, _, factor) => (x + 0.5) / factor - 0.5,
    pytorch_half_pixel: (x, size, factor) => (size * factor > 1 ? (x + 0.5) / factor - 0.5 : 0),
    asymmetric: (x, _, factor) => x / factor,
    align_corners: (x, size, factor) => (size * factor > 1 ? (x * (size - 1)) / (size * factor - 1) : 0),
  };
  const [rounded, from] = [round[rounding], source[transform]];
  const isRepetition =
    rounded !== undefined &&
    from !== undefined &&
    dims.every((length, axis) => {
      const factor = factors[axis]!;
      for (let x = 0; factor > 1 && x < Math.min(length * factor, 2 ** 20); x++) {
        const place = Math.min(length - 1, Math.max(0, rounded(from(x, length, factor))));
        if (place !== Math.floor(x / factor)) return false;
      }
      return true;
    });
  if (!isRepetition)
    refuse(
      call,
      `${transform} with ${rounding} does not repeat every position equally often`,
      'use coordinate_transformation_mode "asymmetric" with nearest_mode "floor"',
    );
}
