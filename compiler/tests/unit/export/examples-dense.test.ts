import { beforeAll, describe, expect, test } from "vitest";
import { printProgram } from "../../../program/print.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { openWasm } from "../train/small-data.ts";
import { DENSE_EXAMPLES, exampleProgram } from "./example-programs.ts";
import { roundTrip } from "./round-trip.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

describe("an example of dense layers comes back from QONNX as the same bytes", () => {
  test.each(DENSE_EXAMPLES)("%s", async (...example) => {
    const program = await exampleProgram(tf, example);
    expect(printProgram(roundTrip(program).back.program)).toBe(printProgram(program));
  });
});
