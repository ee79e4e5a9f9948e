// Random programs as QONNX and back: what training makes comes back as the same bytes, any program as the same numbers.
import { describe, expect, it } from "vitest";
import { exportQonnx } from "../../../export/qonnx.ts";
import type { TrainedGraph } from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { channelBounds } from "../../../program/bounds.ts";
import { printProgram } from "../../../program/print.ts";
import {
  type Constant,
  constantNamed,
  mantissaRange,
  type Program,
  valueNamed,
} from "../../../program/program.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { widthOfRange } from "../../../support/fixed-point.ts";
import { isNightly } from "../../nightly.ts";
import { randomTrained } from "../lower/random-trained.ts";
import { randomBranchingProgram } from "../program/random-branching.ts";
import { expectSameNumbersAsOnnxruntime } from "./onnxruntime.ts";
import { expectSameNumbers, roundTrip } from "./round-trip.ts";

const SEEDS = isNightly() ? 1000 : 60;

/** As training leaves it: thresholds hold the bias before them. */
function withoutBias(trained: TrainedGraph): TrainedGraph {
  const inputs = new Map(trained.graph.nodes.map((node) => [node.name, "input" in node ? node.input : ""]));
  const isBehind = (name: string, layer: string): boolean =>
    name === layer || (inputs.get(name) !== "" && isBehind(inputs.get(name)!, layer));
  const next = (layer: string) =>
    trained.signals.find(({ node }) => {
      const chain = trained.graph.nodes.findIndex(({ name }) => name === layer);
      return trained.graph.nodes.findIndex(({ name }) => name === node) >= chain && isBehind(node, layer);
    });
  const layers = trained.layers.map((layer) =>
    next(layer.node)?.entry.kind === "threshold" ? { ...layer, bias: null } : layer,
  );
  return { ...trained, layers };
}

/** As training leaves it: thresholds lie within what their sums can reach, of all units together. */
function reachable(program: Program): Program {
  const constants = new Map(program.constants.map((constant) => [constant.name, constant]));
  for (const instruction of program.instructions) {
    if (instruction.op !== "threshold") continue;
    const maker = program.instructions.find(({ result }) => result === instruction.input);
    const { format } = valueNamed(program, instruction.input);
    let { min, max } = mantissaRange(format);
    if (maker?.op === "dense") {
      const weights = constantNamed(program, maker.weights);
      const input = valueNamed(program, maker.input).format;
      const all = Array.from({ length: weights.shape[0]! }, (_, u) => channelBounds(weights, null, u, input));
      min = Math.min(...all.map((range) => range.min));
      max = Math.max(...all.map((range) => range.max));
    }
    const old = constants.get(instruction.thresholds)!;
    const data = old.data.map((t) => Math.min(max + 1, Math.max(min, t)));
    const range = { min: Math.min(0, ...data), max: Math.max(0, ...data) };
    const { fraction } = old.format;
    const made: Constant = {
      ...old,
      data,
      format: { kind: "int", signed: true, width: widthOfRange(range, true), fraction },
    };
    constants.set(old.name, made);
  }
  return { ...program, constants: program.constants.map(({ name }) => constants.get(name)!) };
}

describe("a random program", () => {
  it("of training's kind comes back as the same bytes", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const program = reachable(lower(withoutBias(randomTrained(seed))));
      expect(printProgram(roundTrip(program).back.program), `seed ${seed}`).toBe(printProgram(program));
    }
  });

  it("with branches means the same numbers when it comes back, or is refused", () => {
    let [same, refused] = [0, 0];
    for (let seed = 0; seed < SEEDS; seed++) {
      const program = randomBranchingProgram(seed, { instructions: 8 });
      try {
        expectSameNumbers(program, roundTrip(program), 3);
        same++;
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        expect(error.diagnostics.every(({ code }) => /^(export|import|program)\//.test(code))).toBe(true);
        refused++;
      }
    }
    expect(same).toBeGreaterThan(SEEDS / 4);
    expect(same + refused).toBe(SEEDS);
  });

  it("with branches means the same numbers to onnxruntime", async () => {
    let compared = 0;
    for (let seed = 0; seed < SEEDS / 2; seed++) {
      // float32 holds sums of 24 bits.
      const program = randomBranchingProgram(seed, { instructions: 7, width: 4, sum: 12, elements: 200 });
      if (program.values.some(({ format }) => format.kind === "int" && format.width > 24)) continue;
      try {
        exportQonnx(program);
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        continue;
      }
      await expectSameNumbersAsOnnxruntime(program, 2);
      compared++;
    }
    expect(compared).toBeGreaterThan(SEEDS / 8);
  });
});
