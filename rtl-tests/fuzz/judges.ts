// What a program is judged by. In: programs with hardware wishes and packets. Out: for each of them what stands against the back
// ends, from the quickest judge to the strictest.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cellsWithoutModel } from "../../compiler/flow/models.ts";
import { FLOW_FILES, synthesize } from "../../compiler/flow/synthesize.ts";
import { compilerAssert } from "../../compiler/support/assert.ts";
import { DiagnosticError } from "../../compiler/support/diagnostics.ts";
import { decodeUtf8 } from "../../compiler/support/text.ts";
import { targetNamed } from "../../compiler/targets/targets.ts";
import { hasTool } from "../../compiler/tests/tools-present.ts";
import { CC, compareRuns, SANITIZERS } from "../../compiler/tests/unit/c/c-runner.ts";
import { designOf } from "../../compiler/tests/unit/verify/designs.ts";
import {
  complaintsOfIcarus,
  designOfCase,
  type RandomDesign,
} from "../../compiler/tests/unit/verilog/random-design.ts";
import type { RandomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import { createFlowTools } from "../../compiler/tools/flow-tools.ts";
import { createVerilatorRunner } from "../../compiler/tools/verilator.ts";
import { verifyNetlist } from "../../compiler/verify/netlist.ts";
import { isCarried, runBench } from "../harness/bench.ts";
import { caseOfProgram } from "../harness/designs.ts";
import { verdict } from "../harness/programs.ts";

/**
 * `wrong`: other values or cycles; `refused`: a tool does not take what was generated; `thrown`: the compiler itself stops.
 * A fault that is shrunk stays of its kind.
 */
export interface Complaint {
  readonly kind: "wrong" | "refused" | "thrown";
  readonly text: string;
}

export interface Judge {
  /** For people: what it runs. */
  readonly title: string;
  /** Whether its tools are here. */
  isPresent(): boolean;
  /** In the order of the cases; null where nothing stands against one, or the Verilog back end does not build it. */
  judge(cases: readonly RandomCase[]): Promise<readonly (Complaint | null)[]>;
}

const wrong = (text: string): Complaint => ({ kind: "wrong", text });
const LONGEST = 2000;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What stopped the compiler or a tool. Throws what is the machine's trouble, such as a tool that is not there. */
function thrown(error: unknown): Complaint {
  const said = (text: string): string => text.replaceAll(root, "").slice(0, LONGEST);
  if (error instanceof DiagnosticError) {
    if (error.diagnostics.some(({ code, category }) => category === "environment" && code.startsWith("cli/")))
      throw error;
    return {
      kind: "refused",
      text: said(error.diagnostics.map(({ code, message }) => `${code}: ${message}`).join("\n")),
    };
  }
  const { stderr, message, stack } = error as Error & { readonly stderr?: unknown };
  // A tool that ended with an error: what it said.
  if (stderr !== undefined) return { kind: "refused", text: said(`${message}\n${String(stderr)}`) };
  return { kind: "thrown", text: said(stack ?? message) };
}

/** What the Verilog back end says that it does not build: no fault. */
const NOT_BUILT: readonly string[] = [
  "verilog/unsupported",
  "verilog/transpose",
  "verilog/interval-impossible",
];

/** A design, what stands against making it, or the codes of what the back end does not build. */
export type Built =
  | { readonly design: RandomDesign }
  | { readonly fault: Complaint }
  | { readonly not: readonly string[] };

const builds = new WeakMap<RandomCase, Built>();

/** Verilog, test bench and vectors of a case; made once. */
export function built(one: RandomCase): Built {
  const found = builds.get(one) ?? build(one);
  builds.set(one, found);
  return found;
}

function build(one: RandomCase): Built {
  try {
    return { design: designOfCase(one) };
  } catch (error) {
    const codes = error instanceof DiagnosticError ? error.diagnostics.map(({ code }) => code) : [];
    if (codes.length > 0 && codes.every((code) => NOT_BUILT.includes(code))) return { not: codes };
    return { fault: thrown(error) };
  }
}

/** Judges the cases whose designs can be made, and says what stands against the others. */
async function ofDesigns(
  cases: readonly RandomCase[],
  judge: (design: RandomDesign, index: number) => Complaint | null | Promise<Complaint | null>,
): Promise<readonly (Complaint | null)[]> {
  const found: (Complaint | null)[] = [];
  for (const [index, one] of cases.entries()) {
    const made = built(one);
    if ("design" in made)
      try {
        found.push(await judge(made.design, index));
      } catch (error) {
        found.push(thrown(error));
      }
    else found.push("fault" in made ? made.fault : null);
  }
  return found;
}

/** -Og costs half of -O1 here; the gate compiles with -O2. */
const FLAGS = ["-Og", ...SANITIZERS];

/** All in one binary; a case that stops it is judged alone. */
function judgeC(cases: readonly RandomCase[]): (Complaint | null)[] {
  const runs = cases.map(({ program, inputs, packets }, i) => ({
    program: { ...program, name: `p${i}` },
    inputs,
    count: packets,
  }));
  try {
    const differences = new Map(compareRuns(runs, FLAGS).map((d) => [d.program, d]));
    compilerAssert(
      cases.length === 1 || !differences.has("all"),
      "the trace of one binary has another length",
    );
    return runs.map(({ program }) => {
      const found = differences.get(program.name) ?? differences.get("all");
      return found
        ? wrong(`C: integer ${found.at} of the trace: expected ${found.expected}, got ${found.got}`)
        : null;
    });
  } catch (error) {
    if (cases.length === 1) return [thrown(error)];
    return cases.flatMap((one) => judgeC([one]));
  }
}

const icarus: Judge = {
  title: "Verilog in Icarus, values and cycles",
  isPresent: () => hasTool("iverilog"),
  judge: (cases) =>
    ofDesigns(cases, (design) => {
      const text = complaintsOfIcarus(design);
      if (text === "") return null;
      return { kind: text.includes("FAIL") ? "wrong" : "refused", text };
    }),
};

/** Many designs in one build; the bench says which of them is wrong by its name. */
async function judgeInBench(cases: readonly RandomCase[]): Promise<readonly (Complaint | null)[]> {
  const named = (i: number): string => `p${i}`;
  const found: (Complaint | null)[] = cases.map(() => null);
  const carried = cases.flatMap((one, i) => {
    const made = built(one);
    if ("fault" in made) found[i] = made.fault;
    if (!("design" in made)) return [];
    const bench = caseOfProgram(one.program, one.options, named(i), one);
    return isCarried(bench) ? [{ i, bench }] : [];
  });
  if (carried.length === 0) return found;
  const problems = await runBench(carried.map(({ bench }) => bench));
  const refused = problems.some((problem) => /^(rejected|crashed): /.test(problem));
  if (refused && carried.length > 1) {
    for (const { i } of carried) [found[i] = null] = (await judgeInBench([cases[i]!])) as [Complaint | null];
    return found;
  }
  for (const { i } of carried) {
    const own = problems.filter((problem) => refused || new RegExp(`^${named(i)}\\b`).test(problem));
    if (own.length > 0)
      found[i] = { kind: refused ? "refused" : "wrong", text: own.slice(0, 3).join("\n").slice(0, LONGEST) };
  }
  return found;
}

const gate: Judge = {
  title: "the whole gate of `noisefloor verify`",
  isPresent: () => hasTool("verilator") && hasTool(CC),
  judge: (cases) =>
    ofDesigns(cases, async ({ program, options }) => {
      const { c, rtl } = await verdict(designOf(program, options));
      const failed = [c, rtl].filter((text) => text !== "passed");
      if (failed.length === 0) return null;
      const text = failed.join("\n");
      return { kind: /refuses/.test(text) ? "refused" : "wrong", text };
    }),
};

/** A target whose netlists need no placer, with models of all its cells. */
const NETLIST_TARGET = "gowin";
/** Yosys by npm, and the process that it runs in, which is there after a build. */
const YOSYS = ["node_modules/@yowasp/yosys", "dist/tools/yowasp-child.js"];
const quiet = { line: () => {}, update: () => {} };

/** The netlist that Yosys makes, with all that the gate does to a shipped design. */
async function judgeNetlist({ program, options }: RandomDesign): Promise<Complaint | null> {
  const { manifest, files } = designOf(program, options);
  const target = targetNamed(NETLIST_TARGET)!;
  const tools = createFlowTools({ projectFolder: root });
  const made = await synthesize({ manifest: manifest.rtl!, files, target, seed: 1, tools, progress: quiet });
  const textAt = (path: string): string => {
    const content = made.files.get(path)!;
    return typeof content === "string" ? content : (decodeUtf8(content) ?? "");
  };
  const folder = `${FLOW_FILES.models}/`;
  const models = new Map(
    [...made.files.keys()]
      .filter((path) => path.startsWith(folder))
      .map((path) => [path.slice(folder.length), textAt(path)]),
  );
  const unmodelled = cellsWithoutModel(Object.keys(made.result.cells), [...models.values()]);
  if (unmodelled.length > 0) return { kind: "refused", text: `no models of ${unmodelled.join(", ")}` };
  const result = await verifyNetlist({
    program,
    manifest: manifest.rtl!,
    netlist: textAt(FLOW_FILES.netlist),
    models,
    defines: target.flow.defines,
    samples: undefined,
    count: 0,
    seed: 1,
    runner: createVerilatorRunner(),
    tool: "verilator",
    what: `the netlist of ${target.name}`,
  });
  return result.status === "passed" ? null : wrong(result.reason ?? "failed");
}

/** By name, from the quickest to the strictest. */
export const JUDGES = {
  c: {
    title: "C with sanitizers, every traced value",
    isPresent: () => hasTool(CC),
    judge: async (cases) => judgeC(cases),
  },
  icarus,
  bench: {
    title: "Verilog in Verilator, every stream between stages, four kinds of stalls",
    isPresent: () => hasTool("verilator"),
    judge: judgeInBench,
  },
  gate,
  netlist: {
    title: `the netlist that Yosys makes for ${NETLIST_TARGET}, in the gate`,
    isPresent: () => hasTool("verilator") && YOSYS.every((path) => existsSync(root + path)),
    judge: (cases) => ofDesigns(cases, judgeNetlist),
  },
} as const satisfies Record<string, Judge>;

export type JudgeName = keyof typeof JUDGES;
export const JUDGE_NAMES = Object.keys(JUDGES) as readonly JudgeName[];
