// The convolutional examples at a reduced size: a moment of training on made-up samples, then the gate on the design that
// the model file asks for. The gate takes minutes for the Verilog of the larger ones: outside of the nightly run they have few
// packets through the bench instead, which compares every stage, latency and interval.
import { beforeAll, describe, expect, test } from "vitest";
import { runBench } from "../../../../rtl-tests/harness/bench.ts";
import { caseOfProgram } from "../../../../rtl-tests/harness/designs.ts";
import { verdict } from "../../../../rtl-tests/harness/programs.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { isNightly } from "../../nightly.ts";
import { hasTool } from "../../tools-present.ts";
import { openWasm } from "../train/small-data.ts";
import { designOf } from "./designs.ts";
import { reducedExample } from "./reduced-examples.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const TIMEOUT = 400_000;

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("an example", () => {
  test.each([
    ["lenet", true],
    ["resnet8", false],
    ["dscnn", false],
    ["unet", false],
    ["conv1d", true],
  ])(
    "%s passes the gate",
    async (name, isSmall) => {
      const { program, hardware } = await reducedExample(tf, name);
      const { clockMHz, intervalCycles } = hardware;
      const design = designOf(program, { clockMHz, intervalCycles });
      expect(design.manifest.rtl!.intervalCycles).toBeLessThanOrEqual(intervalCycles);
      const isWhole = isSmall || isNightly();
      const { rtl: _, ...withoutVerilog } = design.manifest;
      const judged = isWhole ? design : { ...design, manifest: withoutVerilog };
      expect(await verdict(judged)).toEqual({ c: "passed", rtl: isWhole ? "passed" : "skipped" });
      if (isWhole) return;
      const options = { clockMHz, intervalCycles, folding: {}, outputs: "both" } as const;
      expect(await runBench([caseOfProgram(program, options, name, 1)])).toEqual([]);
    },
    TIMEOUT,
  );
});
