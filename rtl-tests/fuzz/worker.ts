// A worker process of the fuzzer. In: messages with blocks to run. Out: a message with the result of each. It ends with its parent.
import { type BlockResult, type Plan, runBlock } from "./blocks.ts";
import type { JudgeName } from "./judges.ts";

/** Asks for a block. */
export interface BlockRequest {
  readonly plan: Plan;
  readonly block: number;
  readonly count: number;
  readonly judges: readonly JudgeName[];
}

/** A result, or what broke the run itself. */
export type BlockAnswer = { readonly result: BlockResult } | { readonly broken: string };

export function main(): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (request: BlockRequest) => {
    const { plan, block, count, judges } = request;
    runBlock(plan, block, count, judges)
      .then((result): BlockAnswer => ({ result }))
      .catch((error: Error): BlockAnswer => ({ broken: error.stack ?? error.message }))
      .then((answer) => process.send!(answer));
  });
  process.send!("ready");
}
