// A table of small files and the check that every one gets: the reader's network, evaluated plainly, gives what
// onnxruntime gives.
import { expect, it } from "vitest";
import { compareWithOnnxruntime } from "./against-onnxruntime.ts";
import { type Attributes, createOnnx, type OnnxBuilder } from "./build-onnx.ts";

/** `kinds` are those of the network's nodes after its inputs, where they matter. */
export type Case = readonly [
  name: string,
  opset: number,
  make: (b: OnnxBuilder) => string | readonly string[],
  kinds?: string,
];

/** A file of one node with one operand. */
export const one =
  (dims: readonly (number | null)[], operator: string, attributes: Attributes = {}) =>
  (b: OnnxBuilder) =>
    b.node(operator, [b.input("x", dims)], attributes);

export const vector = [null, 6] as const;
export const image = [null, 3, 8, 6] as const;

export function testCases(cases: readonly Case[]): void {
  for (const [name, opset, make, kinds] of cases)
    it(name, async () => {
      const b = createOnnx();
      const made = make(b);
      const outputs = typeof made === "string" ? [made] : made;
      const { imported, difference } = await compareWithOnnxruntime(b.finish(outputs, opset));
      expect(difference).toBeLessThan(2e-5);
      const found = imported.model.nodes.map(({ kind }) => kind).filter((kind) => kind !== "input");
      if (kinds !== undefined) expect(found.join(" ")).toBe(kinds);
    });
}
