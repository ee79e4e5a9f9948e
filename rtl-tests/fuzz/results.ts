// What a run of the fuzzer has found so far, on disk: a run that was killed goes on from there. In: a plan, finished blocks. Out:
// one line of JSON for each block, in a file that is of one plan and of one state of the sources.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BLOCK, type BlockResult, numbersOf, type Plan } from "./blocks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Of all that decides what a run finds: the compiler, its templates, and what draws and judges programs. */
export function sourceDigest(): string {
  const hash = createHash("sha256");
  for (const folder of [
    "compiler",
    "templates",
    "rtl-tests/fuzz",
    "rtl-tests/harness",
    "rtl-tests/programs/sweep",
  ]) {
    const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.test\.ts$|\.generated\./.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const path of files) hash.update(path.slice(root.length)).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/** The file of a plan. */
export function resultsPath({ seed, bench, gate, netlist }: Plan, digest = sourceDigest()): string {
  return join(root, ".cache/fuzz", `${digest}-seed${seed}-b${bench}-g${gate}-n${netlist}.jsonl`);
}

/** Whole blocks of a run of `count` programs that the file has. A line that a kill cut off is passed over. */
export function readResults(path: string, count: number): ReadonlyMap<number, BlockResult> {
  const found = new Map<number, BlockResult>();
  if (!existsSync(path)) return found;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    let result: BlockResult;
    try {
      result = JSON.parse(line) as BlockResult;
    } catch {
      continue;
    }
    if (result.numbers > 0 && result.numbers === numbersOf(result.block, count).length)
      found.set(result.block, result);
  }
  return found;
}

/** Keeps a finished block. */
export function keepResult(path: string, result: BlockResult): void {
  mkdirSync(dirname(path), { recursive: true });
  // The line before may have been cut off.
  appendFileSync(path, `\n${JSON.stringify(result)}`);
}

/** Numbers of the blocks of a run. */
export const blocksOf = (count: number): readonly number[] =>
  Array.from({ length: Math.ceil(count / BLOCK) }, (_, block) => block);
