// Samples as NPY files of a build directory. In: a sample set, and the name of the first input's or output's file. Out: files
// by path.
import { encodeNpy } from "../data/npy.ts";
import {
  type InputSamples,
  labelsPerSample,
  type Mantissas,
  type SampleSet,
  valuesPerSample,
} from "../graph/samples.ts";
import { portFile } from "./build-files.ts";

/** A file for each input. */
export function inputFiles({ count, inputs }: SampleSet, path: string): [string, Uint8Array][] {
  return inputs.map(({ shape, mantissas }: InputSamples, i) => [
    portFile(path, i),
    encodeNpy([count, ...shape], dtypeOf(mantissas), mantissas),
  ]);
}

/** A file of the labels or of the targets of each output, whichever it has. */
export function answerFiles(
  { count, answers }: SampleSet,
  paths: { readonly labels: string; readonly targets: string },
): [string, Uint8Array][] {
  return answers.flatMap((answer, i): [string, Uint8Array][] => {
    const { labels, values } = answer;
    if (values) {
      const shape = [count, valuesPerSample(answer, count)];
      return [[portFile(paths.targets, i), encodeNpy(shape, "float32", values)]];
    }
    const perSample = labelsPerSample(answer, count);
    if (perSample === 0) return [];
    const shape = perSample === 1 ? [count] : [count, perSample];
    return [[portFile(paths.labels, i), encodeNpy(shape, "int32", labels)]];
  });
}

function dtypeOf(mantissas: Mantissas): "uint8" | "int8" | "uint16" | "int16" {
  if (mantissas instanceof Uint8Array) return "uint8";
  if (mantissas instanceof Int8Array) return "int8";
  return mantissas instanceof Uint16Array ? "uint16" : "int16";
}
