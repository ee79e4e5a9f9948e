// Proofs by Yosys's SAT solver. In: claims, modules whose assertions have to hold for all inputs. Out: of every claim, whether
// no inputs break it within the cycles looked at, or those that do.
import { readFileSync } from "node:fs";
import { fixedFile } from "../../compiler/render/render.ts";
import type { FileSet } from "../../compiler/support/file-set.ts";
import { createFlowTools } from "../../compiler/tools/flow-tools.ts";

export interface Claim {
  /** For people, and told from those of other claims. */
  readonly name: string;
  /** Module that asserts: of claims/ or of `text`. */
  readonly module: string;
  readonly parameters?: Readonly<Record<string, number>>;
  /** Verilog of its own. */
  readonly text?: string;
  /** Files of claims/ and fixed modules of the library that it is made of, without ending. */
  readonly claims?: readonly string[];
  readonly modules?: readonly string[];
  /** Other files: generated Verilog, memory images, of which only the former is read; or another text of one of the above. */
  readonly files?: FileSet;
  /** Clock cycles from an arbitrary state of all registers without an initial value. */
  readonly cycles: number;
  /** Wires that are cut off from what drives them, and can then be anything. */
  readonly cut?: string;
}

const tools = createFlowTools({ projectFolder: process.cwd(), path: "" });
const MARK = "noisefloor proves";

/** Claims that do not hold, each with the inputs that break it; throws when Yosys does not get to its answer. */
export async function unproved(claims: readonly Claim[]): Promise<readonly string[]> {
  const files = new Map<string, string | Uint8Array>();
  const lines: string[] = [];
  claims.forEach((claim, index) => {
    const sources = sourcesOf(claim, `claim${index}`);
    for (const [path, content] of sources.files) files.set(path, content);
    lines.push(
      "design -reset",
      `read_verilog -sv -formal ${sources.verilog.join(" ")}`,
      `prep -flatten -top ${sources.top}`,
      "memory_map",
      "async2sync",
      ...(claim.cut === undefined ? [] : [`cutpoint ${claim.cut}`]),
      "opt -full",
      `log ${MARK} ${index}`,
      `sat -prove-asserts -set-assumes -seq ${claim.cycles} -show-inputs ${sources.top}`,
    );
  });
  const yosys = await tools.need("yosys");
  const { log } = await yosys.run({
    arguments: ["-s", "prove.ys"],
    files: new Map([...files, ["prove.ys", `${lines.join("\n")}\n`]]),
    outputs: [],
  });
  const answers = log.split(new RegExp(`^${MARK} `, "m")).slice(1);
  return claims.flatMap(({ name }, index) => {
    const answer = answers[index] ?? "";
    if (/no model found: SUCCESS!/.test(answer)) return [];
    const broken = /model found: FAIL!/.test(answer);
    if (!broken) throw new Error(`${name}: Yosys gives no answer:\n${log.slice(-2000)}`);
    return [`${name}:\n${answer.slice(answer.indexOf("  Time Signal Name"))}`];
  });
}

/**
 * The files of a claim, and the module that binds its parameters: integers, whose signs Yosys's own command loses. Claims have
 * Verilog in folders of their own, and share all other files.
 */
function sourcesOf(
  claim: Claim,
  folder: string,
): { readonly top: string; readonly files: FileSet; readonly verilog: readonly string[] } {
  const { module, parameters, text, claims = [], modules = [] } = claim;
  const sources = new Map<string, string | Uint8Array>();
  for (const name of claims)
    sources.set(`${name}.sv`, readFileSync(new URL(`claims/${name}.sv`, import.meta.url), "utf8"));
  for (const name of modules) sources.set(`${name}.v`, fixedFile(`verilog/lib/${name}.v`));
  for (const [path, content] of claim.files ?? []) sources.set(path, content);
  if (text !== undefined) sources.set("claim.sv", text);
  if (parameters !== undefined) {
    const bound = Object.entries(parameters).map(([name, value]) => `.${name}(${value})`);
    const instance = `${module} #(${bound.join(", ")}) claim (.aclk(aclk))`;
    sources.set("bound.sv", `module bound (input wire aclk);\n  ${instance};\nendmodule\n`);
  }
  const isVerilog = (path: string): boolean => /\.s?v$/.test(path);
  const files = new Map(
    [...sources].map(([path, content]) => [isVerilog(path) ? `${folder}/${path}` : path, content]),
  );
  return {
    top: parameters === undefined ? module : "bound",
    files,
    verilog: [...files.keys()].filter(isVerilog),
  };
}
