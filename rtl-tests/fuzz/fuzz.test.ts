// Random programs of the fuzzer: simulator = C = Verilog in the predicted cycles, 300 of them in every run; some pass the bench
// and the whole gate. What they have to have in them is counted here too.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { casesOf } from "../../compiler/tests/nightly.ts";
import { OPCODES } from "../../compiler/tests/unit/program/random-branching.ts";
import { BLOCK, type BlockResult, runBlock } from "./blocks.ts";
import { coverageOfProgram, medianInstructions, merged } from "./coverage.ts";
import { drawCase } from "./draw.ts";
import { JUDGES, type JudgeName } from "./judges.ts";
import { blocksOf, keepResult, readResults, resultsPath } from "./results.ts";
import { readOptions } from "./run.ts";
import { summaryMarkdown, summaryOf } from "./summary.ts";

const COUNT = casesOf(300, 2000);
/** Another seed than that of the committed run of many programs. */
const PLAN = { seed: 77, bench: casesOf(0, 8), gate: casesOf(150, 50), netlist: 0 };
const TIMEOUT = 900_000;
const JUDGE: readonly JudgeName[] = ["c", "icarus", "bench", "gate"];
const present = JUDGE.filter((name) => JUDGES[name].isPresent());

describe("random programs", () => {
  const results: BlockResult[] = [];

  it.each(blocksOf(COUNT))(
    `pass ${present.join(", ")}: block %i of ${BLOCK}`,
    async (block) => {
      const result = await runBlock(PLAN, block, COUNT, present);
      results.push(result);
      expect(result.failures.map(({ number, complaint }) => `${number}: ${complaint}`)).toEqual([]);
      expect(result.programs).toBe(result.numbers);
    },
    TIMEOUT,
  );

  it("have instructions of all kinds, and branches", () => {
    const coverage = merged(results.map((result) => result.coverage));
    expect(coverage.programs!.all).toBe(COUNT);
    expect(medianInstructions(coverage)).toBeGreaterThanOrEqual(5);
    expect(coverage.programs!["with a branch"]! / COUNT).toBeGreaterThan(0.3);
    // 200 of 10,000 is 6 of 300.
    const least = (200 * COUNT) / 10_000;
    for (const op of OPCODES)
      for (const kind of ["signed", "unsigned"])
        expect(coverage.operands![`${op} ${kind}`] ?? 0, `${op} ${kind}`).toBeGreaterThanOrEqual(least);
  });
});

/** No bits there. */
const WITHOUT_BITS = ["requantize", "add", "subtract", "multiply", "pad", "scale"];

it("the draw reaches every instruction with bits too, and is the same for the same seed and number", () => {
  const drawn = Array.from({ length: 250 }, (_, number) => drawCase(5, number, 0));
  const { operands } = merged(drawn.map(({ program }) => coverageOfProgram(program)));
  for (const op of OPCODES)
    if (!WITHOUT_BITS.includes(op)) expect(operands![`${op} bipolar`] ?? 0, op).toBeGreaterThan(0);
  expect(drawCase(5, 3, 0)).toEqual(drawn[3]);
  expect(drawCase(6, 3, 0)).not.toEqual(drawn[3]);
  expect(drawCase(5, 3, 1)).not.toEqual(drawn[3]);
});

describe("a run", () => {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-fuzz-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const result = (block: number, numbers: number): BlockResult => ({
    block,
    numbers,
    programs: numbers,
    redrawn: {},
    judged: { c: { programs: numbers, seconds: 1 } },
    seconds: 1,
    coverage: { instructions: { 3: numbers - 1, 9: 1 }, programs: { all: numbers, "with a branch": 6 } },
    failures: block === 1 ? [{ number: 30, judge: "c", complaint: "C: no\nat all", file: "{}" }] : [],
  });

  it("goes on where a kill cut it off: what was not written whole, and a last block of fewer programs, come again", () => {
    const path = join(folder, "deep/results.jsonl");
    expect(readResults(path, 100).size).toBe(0);
    keepResult(path, result(0, BLOCK));
    keepResult(path, result(1, 6));
    expect([...readResults(path, 30).keys()]).toEqual([0, 1]);
    expect([...readResults(path, 100).keys()]).toEqual([0]);
    writeFileSync(path, '\n{"block":2,"numbers":2', { flag: "a" });
    expect([...readResults(path, 100).keys()]).toEqual([0]);
    keepResult(path, result(2, BLOCK));
    expect([...readResults(path, 100).keys()]).toEqual([0, 2]);
  });

  it("ends with a summary that counts programs and names what failed", () => {
    const plan = { seed: 3, bench: 8, gate: 96, netlist: 40 };
    const summary = summaryOf(plan, [result(0, BLOCK), result(1, 6)], ["netlist"]);
    expect(summary).toMatchObject({
      programs: 30,
      medianInstructions: 3,
      judged: { c: 30 },
      withBranch: 0.4,
    });
    const text = summaryMarkdown(summary);
    expect(text).toContain(
      "`make fuzz PROGRAMS=30 SEED=3 BENCH=8 GATE=96 NETLIST=40`: 30 programs, 1 FAILED",
    );
    expect(text).toContain("| 30 | c | C: no |");
    expect(text).toContain("its tools are not here");
    expect(summaryMarkdown(summaryOf(plan, [result(0, BLOCK)], []))).toContain("none failed");
  });

  it("reads its variables, and says which are none", () => {
    expect(readOptions({ PROGRAMS: "50", SEED: "9", PROCESSES: "3", SUMMARY: "" })).toMatchObject({
      programs: 50,
      processes: 3,
      plan: { seed: 9 },
      summary: undefined,
    });
    expect(readOptions({ PROGRAMS: "many", GATE: "-1" })).toBe(
      "PROGRAMS=many is no whole number, GATE=-1 is no whole number",
    );
  });
});

describe("make fuzz", () => {
  const script = fileURLToPath(new URL("../../scripts/fuzz.mjs", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-fuzz-"));
  const plan = { seed: 990_000 + (process.pid % 10_000), bench: 0, gate: 0, netlist: 0 };
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(resultsPath(plan), { force: true });
  });

  const summary = join(folder, "summary.json");
  const start = (programs: number) => {
    const variables = {
      PROGRAMS: `${programs}`,
      SEED: `${plan.seed}`,
      PROCESSES: "1",
      BENCH: "0",
      GATE: "0",
      NETLIST: "0",
      SUMMARY: summary,
    };
    const child = spawn(process.execPath, [script], { env: { ...process.env, ...variables } });
    let said = "";
    const heard = new EventTarget();
    child.stderr.on("data", (text) => {
      said += text;
      heard.dispatchEvent(new Event("text"));
    });
    child.stdout.resume();
    const ended = new Promise<number | null>((done) => child.on("close", done));
    const hear = (words: string): Promise<void> =>
      new Promise((done) =>
        heard.addEventListener("text", () => {
          if (said.includes(words)) done();
        }),
      );
    return { child, ended, hear, said: () => said };
  };

  it("runs, writes its summary, and has nothing left to do when it is asked again", async () => {
    const first = start(2);
    expect(await first.ended, first.said()).toBe(0);
    expect(first.said()).toContain("2 of 2 programs, 0 failed");
    const written = JSON.parse(readFileSync(summary, "utf8"));
    expect(written).toMatchObject({ plan, programs: 2, failures: [], coverage: { programs: { all: 2 } } });
    rmSync(summary);
    const again = start(2);
    expect(await again.ended).toBe(0);
    expect(again.said()).toContain("goes on: 1 of 1 blocks are there");
    expect(JSON.parse(readFileSync(summary, "utf8"))).toEqual(written);
  });

  it("ends at Ctrl-C with nothing left behind but what it finished", async () => {
    const home = dirname(resultsPath(plan));
    const before = readdirSync(home);
    const run = start(48);
    await run.hear("judged by");
    const scratch = readdirSync(home).filter((name) => name.startsWith("tmp-") && !before.includes(name));
    expect(scratch).toHaveLength(1);
    setTimeout(() => run.child.kill("SIGINT"), 2500);
    expect(await run.ended).toBe(130);
    expect(run.said()).toContain("the same command goes on from here");
    expect(existsSync(join(home, scratch[0]!))).toBe(false);
  });
});
