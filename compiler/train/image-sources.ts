// Where the elements of a shifted or mirrored image come from, and the labels of its pixels. In: an input's samples and
// their augmentation. Out: places in the stored image.
import type { Augmentation } from "../graph/project.ts";
import type { InputSamples } from "../graph/samples.ts";
import { compilerAssert } from "../support/assert.ts";

function isImage({ shape }: InputSamples): boolean {
  return shape.length === 3;
}

/** Index, in the stored labels of a sample, of each label of the mirrored one; null where nothing is mirrored. */
export function createLabelSources(
  inputs: readonly InputSamples[],
  perSample: number,
  { flip, shiftPixels }: Augmentation,
): Int32Array | null {
  compilerAssert(shiftPixels === 0, "images with a class at each position are not shifted");
  if (flip === "none") return null;
  const image = inputs.find((input) => isImage(input) && input.shape[0]! * input.shape[1]! === perSample);
  compilerAssert(image, "labels of images that are mirrored are those of the pixels");
  const [height, width] = image.shape as [number, number];
  return Int32Array.from({ length: perSample }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return flip === "horizontal" ? y * width + width - 1 - x : (height - 1 - y) * width + x;
  });
}

/**
 * Where the wanted elements of an augmented image are in the stored one, as runs of neighbours: source and length of
 * each, the source -1 for what comes in from outside, which is 0. There are few shifts, so each one's runs are made once.
 * Of an input that is no image all stay where they are.
 */
export function createSources(
  input: InputSamples,
  elements: number,
  { flip }: Augmentation,
  wanted: Int32Array,
): (dx: number, dy: number, mirrored: boolean) => Int32Array {
  if (!isImage(input)) {
    const runs = runsOf(wanted);
    return () => runs;
  }
  const [height, width] = input.shape as [number, number];
  const channels = elements / (height * width);
  const known = new Map<string, Int32Array>();
  return (dx, dy, mirrored) => {
    const key = `${dx} ${dy} ${mirrored}`;
    let runs = known.get(key);
    if (!runs) {
      const sources = wanted.map((element) => {
        const pixel = Math.floor(element / channels);
        let x = (pixel % width) - dx;
        let y = Math.floor(pixel / width) - dy;
        if (x < 0 || x >= width || y < 0 || y >= height) return -1;
        if (mirrored && flip === "horizontal") x = width - 1 - x;
        if (mirrored && flip === "vertical") y = height - 1 - y;
        return (y * width + x) * channels + (element % channels);
      });
      runs = runsOf(sources);
      known.set(key, runs);
    }
    return runs;
  };
}

/** Source and length of every stretch in which the sources ascend by 1, or are all -1. */
function runsOf(sources: Int32Array): Int32Array {
  const runs: number[] = [];
  sources.forEach((source, i) => {
    const before = i > 0 ? sources[i - 1]! : -2;
    const goesOn = source < 0 ? before === -1 : before >= 0 && source === before + 1;
    if (goesOn) runs[runs.length - 1]!++;
    else runs.push(source, 1);
  });
  return Int32Array.from(runs);
}
