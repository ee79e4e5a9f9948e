import { beforeAll, describe, expect, test } from "vitest";
import { printProgram } from "../../../program/print.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { openWasm } from "../train/small-data.ts";
import { exampleProgram, SPATIAL_EXAMPLES } from "./example-programs.ts";
import { expectSameNumbersAsOnnxruntime } from "./onnxruntime.ts";
import { roundTrip } from "./round-trip.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

describe("an example of images or sequences", () => {
  test.each(SPATIAL_EXAMPLES)(
    "%s comes back as the same bytes, and onnxruntime computes the same",
    async (...example) => {
      const program = await exampleProgram(tf, example);
      expect(printProgram(roundTrip(program).back.program)).toBe(printProgram(program));
      await expectSameNumbersAsOnnxruntime(program, 2);
    },
  );
});
