// Builds examples to their end and compares what came out with their expected.json. In: names of folders in examples/, all
// by default. Out: a line for each bound; status 1 when one is missed. A build in build/examples is gone on with.
// Use: node scripts/examples.mjs [NAME ...]
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { argv, execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a bound is about, from a report. */
export const FIGURES = {
  accuracy: ({ quantized }) => quantized.accuracy,
  floatAccuracy: ({ float }) => float.accuracy,
  belowFloat: ({ float, quantized }) => float.accuracy - quantized.accuracy,
  loss: ({ quantized }) => quantized.loss,
  bitOperations: ({ totals }) => totals.bitOperations,
  weightBits: ({ totals }) => totals.weightBits,
  meanWeightBits: ({ totals }) => totals.meanWeightBits,
  latencyCycles: ({ hardware }) => hardware.latencyCycles,
  intervalCycles: ({ hardware }) => hardware.intervalCycles,
  cVectors: ({ verify }) => verify?.c?.vectors ?? 0,
  rtlVectors: ({ verify }) => verify?.rtl?.vectors ?? 0,
};
/** Status of a program that Ctrl-C ended. */
const INTERRUPTED = 130;
const BACK_ENDS = ["sim", "c", "rtl"];

function run(args) {
  const { status, signal } = spawnSync(execPath, args, { cwd: root, stdio: "inherit" });
  if (signal || status === INTERRUPTED) exit(INTERRUPTED);
  return status === 0;
}

/** A line for each bound and each back end of a report, and whether it holds. */
export function judge(report, { atLeast = {}, atMost = {} }) {
  const lines = [];
  const judgeOne = (name, bound, holds, word) => {
    const figure = FIGURES[name](report) ?? Number.NaN;
    const shown = Number.isInteger(figure) ? figure.toLocaleString("en-US") : figure.toPrecision(4);
    lines.push({
      holds: holds(figure),
      text: `${name} ${shown}, ${word} ${bound.toLocaleString("en-US", { maximumFractionDigits: 6 })}`,
    });
  };
  for (const [name, bound] of Object.entries(atLeast)) judgeOne(name, bound, (f) => f >= bound, "at least");
  for (const [name, bound] of Object.entries(atMost)) judgeOne(name, bound, (f) => f <= bound, "at most");
  for (const name of BACK_ENDS) {
    const { status = "absent", vectors = 0 } = report.verify?.[name] ?? {};
    const text = `${name} ${status}, ${vectors.toLocaleString("en-US")} vectors`;
    lines.push({ holds: status === "passed", text });
  }
  return lines;
}

function main(asked) {
  const all = readdirSync(`${root}examples`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const unknown = asked.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    console.error(`no example ${unknown.join(", ")}; there are ${all.join(", ")}`);
    exit(2);
  }
  let missed = 0;
  for (const name of asked.length > 0 ? asked : all) {
    const folder = `examples/${name}`;
    const expected = JSON.parse(readFileSync(`${root}${folder}/expected.json`, "utf8"));
    if (existsSync(`${root}${folder}/make-data.mjs`) && !run([`${folder}/make-data.mjs`])) exit(1);
    for (const [model, bounds] of Object.entries(expected)) {
      const build = `build/examples/${name}/${basename(model, ".floor")}`;
      console.log(`\n${folder}/${model}`);
      const isBuilt = run(["bin/noisefloor.js", "build", `${folder}/${model}`, "-o", build]);
      const lines = isBuilt
        ? judge(JSON.parse(readFileSync(`${root}${build}/report.json`, "utf8")), bounds)
        : [{ holds: false, text: "is not built" }];
      for (const { holds, text } of lines) console.log(`${holds ? "  holds " : "  MISSED"} ${text}`);
      missed += lines.filter(({ holds }) => !holds).length;
    }
  }
  console.log(missed === 0 ? "\nall bounds hold" : `\n${missed} bounds are missed`);
  exit(missed === 0 ? 0 : 1);
}

if (argv[1] === fileURLToPath(import.meta.url)) main(argv.slice(2));
