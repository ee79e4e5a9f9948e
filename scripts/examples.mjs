// Builds examples to their end, puts those onto parts and boards that say so, and compares what came out with their expected.json.
// In: names of folders in examples/, all by default. Out: a line for each bound; status 1 when one is missed. A build in
// build/examples is gone on with.
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
/** What a bound of a board is about, from what the report has of it. */
export const BOARD_FIGURES = {
  lut: ({ lut }) => lut,
  bram: ({ bram }) => bram,
  fmaxMHz: ({ fmaxMHz }) => fmaxMHz,
  inferencesPerSecond: ({ board }) => board.inferencesPerSecond.core,
};
/** Status of a program that Ctrl-C ended. */
const INTERRUPTED = 130;
const BACK_ENDS = ["sim", "c", "rtl"];

function run(args) {
  const { status, signal } = spawnSync(execPath, args, { cwd: root, stdio: "inherit" });
  if (signal || status === INTERRUPTED) exit(INTERRUPTED);
  return status === 0;
}

/** A line for each bound, and whether it holds. */
function judgeBounds(figures, from, { atLeast = {}, atMost = {} }, of = "") {
  const judgeOne = (name, bound, holds, word) => {
    const figure = (from && figures[name](from)) ?? Number.NaN;
    const shown = Number.isInteger(figure) ? figure.toLocaleString("en-US") : figure.toPrecision(4);
    return {
      holds: holds(figure),
      text: `${of}${name} ${shown}, ${word} ${bound.toLocaleString("en-US", { maximumFractionDigits: 6 })}`,
    };
  };
  return [
    ...Object.entries(atLeast).map(([name, b]) => judgeOne(name, b, (f) => f >= b, "at least")),
    ...Object.entries(atMost).map(([name, b]) => judgeOne(name, b, (f) => f <= b, "at most")),
  ];
}

/** Whether a verdict of the gate is that it passed, of so many vectors at least. */
function judgeVerdict(name, { status = "absent", vectors = 0 } = {}, least = 0) {
  const text = `${name} ${status}, ${vectors.toLocaleString("en-US")} vectors`;
  return { holds: status === "passed" && vectors >= least, text };
}

/** A line for each bound, each back end and each netlist and board of a report, and whether it holds. */
export function judge(report, bounds) {
  const { boards = {}, netlists = {} } = bounds;
  return [
    ...judgeBounds(FIGURES, report, bounds),
    ...BACK_ENDS.map((name) => judgeVerdict(name, report.verify?.[name])),
    ...Object.entries(netlists).map(([target, least]) =>
      judgeVerdict(`netlist ${target}`, report.verify?.netlist?.[target], least),
    ),
    ...Object.entries(boards).flatMap(([board, asked]) => [
      ...judgeBounds(BOARD_FIGURES, report.synth?.[board], asked, `${board}: `),
      judgeVerdict(`board ${board}`, report.verify?.board?.[board]),
    ]),
  ];
}

/** Onto the parts and boards that an example is expected on, and what came out through the gate. */
function runFlow(build, { boards = {}, netlists = {} }) {
  const synth = (...words) => run(["bin/noisefloor.js", "synth", build, ...words]);
  for (const target of Object.keys(netlists)) synth("--target", target);
  for (const [board, { clock }] of Object.entries(boards)) synth("--board", board, "--clock", `${clock}`);
  const asked = Object.entries({ "--netlist": netlists, "--board": boards }).flatMap(([option, of]) =>
    Object.keys(of).length > 0 ? [option, Object.keys(of).join(",")] : [],
  );
  if (asked.length > 0) run(["bin/noisefloor.js", "verify", build, ...asked]);
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
      if (isBuilt) runFlow(build, bounds);
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
