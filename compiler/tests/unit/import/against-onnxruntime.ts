// Runs a file in onnxruntime-web and what the reader made of it in the plain evaluator, on the same random inputs.
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { expect } from "vitest";
import type { ImportedPort, ModelImport } from "../../../import/model-import.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { createRandom } from "../../../support/random.ts";
import { evaluateImported } from "./evaluate-imported.ts";

env.wasm.numThreads = 1;
env.logLevel = "fatal";

/** For each element of the network's tensor its index in the file's, of one sample. */
export function fileIndices(port: ImportedPort, shape: readonly number[]): Int32Array {
  const dims = port.fileShape.map((size, axis) => (port.axes.includes(axis) ? size! : 1));
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((a, b) => a * b, 1));
  let indices = [0];
  shape.forEach((size, i) => {
    const axis = port.axes[i]!;
    const stride = axis < 0 ? 0 : strides[axis]!;
    indices = indices.flatMap((start) => Array.from({ length: size }, (_, k) => start + k * stride));
  });
  return Int32Array.from(indices);
}

export interface Comparison {
  readonly imported: ModelImport;
  /** Largest difference, as a part of the largest value. */
  readonly difference: number;
  /** Shapes of the network's outputs. */
  readonly shapes: readonly (readonly number[])[];
}

export interface ComparisonOptions {
  /** Runs with other inputs. */
  readonly runs?: number;
  /** Samples in each run where the file leaves the batch open. */
  readonly batch?: number;
  /** Inputs are uniform in (-range, range). */
  readonly range?: number;
  /** The file for onnxruntime where it is another one. */
  readonly reference?: Uint8Array;
}

/** Reads the file and compares every output of every sample. */
export async function compareWithOnnxruntime(
  bytes: Uint8Array,
  { runs = 2, batch = 2, range = 3, reference = bytes }: ComparisonOptions = {},
): Promise<Comparison> {
  const imported = readOnnx(bytes, { path: "test.onnx" });
  const { model } = imported;
  const session = await InferenceSession.create(reference, { graphOptimizationLevel: "disabled" });
  const random = createRandom(7, "inputs");
  let [difference, largest] = [0, 0];
  const shapes = model.outputs.map(({ node }) => model.nodes.find(({ name }) => name === node)!.shape);
  for (let run = 0; run < runs; run++) {
    const feeds: Record<string, OrtTensor> = {};
    const samples: Map<string, Float64Array>[] = [];
    for (const port of imported.inputs) {
      const node = model.nodes.find(({ name }) => name === port.name)!;
      const dims = port.fileShape.map((size) => size ?? batch);
      const count = dims.reduce((a, b) => a * b, 1);
      const each = node.shape.reduce((a, b) => a * b, 1);
      const isByte = node.kind === "input" && node.stored !== null;
      const data = Float32Array.from({ length: count }, () =>
        isByte ? random.integer(0, 255) : (2 * random.uniform() - 1) * range,
      );
      feeds[port.name] = isByte
        ? new OrtTensor("uint8", Uint8Array.from(data), dims)
        : new OrtTensor("float32", data, dims);
      const indices = fileIndices(port, node.shape);
      for (let sample = 0; sample < count / each; sample++) {
        samples[sample] ??= new Map();
        samples[sample]!.set(
          port.name,
          Float64Array.from(indices, (i) => data[sample * each + i]!),
        );
      }
    }
    const results = await session.run(feeds);
    for (const [sample, inputs] of samples.entries()) {
      const values = evaluateImported(model, inputs);
      model.outputs.forEach(({ node }, i) => {
        const found = values.get(node)!;
        const wanted = results[session.outputNames[i]!]!.data as Float32Array | BigInt64Array;
        expect(wanted.length).toBe(found.length * samples.length);
        const indices = fileIndices(imported.outputs[i]!, shapes[i]!);
        indices.forEach((index, k) => {
          const value = Number(wanted[sample * found.length + index]!);
          largest = Math.max(largest, Math.abs(value));
          difference = Math.max(difference, Math.abs(value - found[k]!));
        });
      });
    }
  }
  await session.release();
  return { imported, difference: difference / Math.max(1e-3, largest), shapes };
}
