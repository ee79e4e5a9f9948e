import { beforeAll, describe, expect, test } from "vitest";
import { printProgram } from "../../../program/print.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { openWasm } from "../train/small-data.ts";
import { type Example, exampleProgram } from "./example-programs.ts";
import { roundTrip } from "./round-trip.ts";

const EXAMPLES: readonly Example[] = [
  ["regression/regression", 1, 0],
  ["mnist/mnist", 1, 10],
  ["mnist/binary", 1, 10],
  ["fashion-mnist/lossless", 1, 10],
  ["autoencoder/autoencoder", 1, 0],
];

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

describe("an example of dense layers comes back from QONNX as the same bytes", () => {
  test.each(EXAMPLES)("%s", async (...example) => {
    const program = await exampleProgram(tf, example);
    expect(printProgram(roundTrip(program).back.program)).toBe(printProgram(program));
  });
});
