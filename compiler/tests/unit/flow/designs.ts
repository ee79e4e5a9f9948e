// Small designs for the flow, and tools that stand in for what is not here: they hand out what was recorded.
import type { FlowTool, FlowTools, ToolJob, ToolName, ToolRun } from "../../../flow/runners.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";

/** Two sums of four inputs, which take less than a hundred look-up tables. */
export function tinyProgram(name = "tiny"): Program {
  const builder = createProgramBuilder(name);
  const x = builder.input({ name: "x", shape: [4], format: intFormat(false, 4, 4) });
  const sum = builder.dense({
    layer: "fc",
    name: "fc.sum",
    input: x,
    weights: { units: 2, data: [1, -2, 1, 0, -1, 1, -2, 1], format: intFormat(true, 2, 1) },
    bias: [3, -1],
  });
  builder.output("y", sum, "logits");
  return builder.build();
}

export interface Recorded {
  readonly tools: FlowTools;
  /** Every run that was asked for. */
  readonly jobs: readonly { readonly tool: ToolName; readonly job: ToolJob }[];
}

/** Tools by name, each with what a run of it comes to; the others are taken from `real`, or are not there. */
export function recordedTools(
  runs: Partial<Record<ToolName, (job: ToolJob) => Omit<ToolRun, "seconds">>>,
  real?: FlowTools,
): Recorded {
  const jobs: { tool: ToolName; job: ToolJob }[] = [];
  const find = async (tool: ToolName): Promise<FlowTool | undefined> => {
    const run = runs[tool];
    const inner = await real?.find(tool);
    if (!run) return inner;
    return {
      name: tool,
      version: "1.0",
      origin: "recorded",
      run: async (job) => {
        jobs.push({ tool, job });
        return { ...run(job), seconds: 0 };
      },
      readShare: async (path) => inner?.readShare(path),
    };
  };
  const need = async (tool: ToolName): Promise<FlowTool> => {
    const found = await find(tool);
    if (!found) throw new Error(`the test has no ${tool}`);
    return found;
  };
  return { tools: { find, need }, jobs };
}
