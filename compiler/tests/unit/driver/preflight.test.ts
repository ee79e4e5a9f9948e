// What is known before training: models that the back ends take, and wishes that they do not.
import { describe, expect, it } from "vitest";
import { checkBuildable } from "../../../driver/preflight.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import { type Diagnostic, DiagnosticError } from "../../../support/diagnostics.ts";
import { createSourceFile, positionAt } from "../../../support/source-file.ts";

function refusals(model: string, hardware: string): readonly Diagnostic[] {
  const text = `floor 1
data {
  train: csv("train.csv", label: "class")
  test: csv("test.csv", label: "class")
  validation: 10 samples
}
model m {
  input x: 4 as u8
  output y = x -> ${model}
}
train { objective: budget(4 kbitops) }
hardware { ${hardware} }
`;
  const { project, diagnostics } = compileSource(createSourceFile("m.floor", text), {
    exists: () => "found",
  });
  expect(diagnostics).toEqual([]);
  try {
    checkBuildable(project!);
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const d of error.diagnostics) expect(d.span ?? d.file).toBeDefined();
    return error.diagnostics;
  }
}

const codesOf = (model: string, hardware = "interval: 64 cycles"): string[] =>
  refusals(model, hardware).map((d) => d.code);

describe("checkBuildable", () => {
  it.each([
    ["relu", "fc1: dense(5) -> relu -> fc2: dense(3) -> argmax"],
    ["hardtanh", "fc1: dense(5) -> hardtanh -> fc2: dense(3) -> argmax"],
    ["step", "fc1: dense(5) -> step -> fc2: dense(3) -> argmax"],
    ["sign", "fc1: dense(5) -> batchnorm -> sign -> fc2: dense(3) -> argmax"],
    ["batch-norm", "fc1: dense(5) -> batchnorm -> relu -> fc2: dense(3) -> argmax"],
    [
      "bipolar weights",
      "fc1: dense(5) { weight_bits: 1 } -> sign -> fc2: dense(3) { weight_bits: 1 } -> argmax",
    ],
    ["steps of channels", "fc1: dense(5) { weight_alpha: channel } -> relu -> fc2: dense(3) -> argmax"],
  ])("takes %s", (_, model) => {
    expect(codesOf(model)).toEqual([]);
  });

  it("says at which line what is not trained stands", () => {
    const model = "fc1: dense(5) -> relu\n    -> pad(channels: 1, value: 0.5) -> fc2: dense(3) -> argmax";
    const [{ code, span, message }] = refusals(model, "") as [Diagnostic];
    expect(code).toBe("train/unsupported");
    expect(positionAt(span!.file, span!.start)).toEqual({ line: 10, column: 8 });
    expect(message).toContain("padding with another value than 0");
  });

  it("refuses an interval that no hardware keeps", () => {
    const wish = "interval: 1 cycles, outputs: both";
    expect(codesOf("fc1: dense(5) -> relu -> fc2: dense(3) -> argmax", wish)).toEqual([
      "verilog/interval-impossible",
    ]);
  });
});
