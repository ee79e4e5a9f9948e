// The folding solver's choices against the best of all foldings and memories that a small network can have, for three parts and
// three rates. Needs a build (`npm run build`). Use: node bench/fold.mjs [--yosys] [--docs]. With --yosys both choices are
// synthesised, which takes minutes; with --docs the table goes into docs/estimates.md. Exit 1 where a choice costs more than
// 10 % more than the best.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProgramBuilder, intFormat } from "../dist/program/builder.js";
import { dataflowOf } from "../dist/schedule/dataflow.js";
import { scheduleProgram } from "../dist/schedule/schedule.js";
import { allFoldings, cyclesOf } from "../dist/solve/candidates.js";
import { costOf } from "../dist/solve/cost.js";
import {
  createJudge,
  partOptions,
  productLayers,
  storagesOf,
  storingLayers,
  stylesOf,
} from "../dist/solve/search.js";
import { solveFolding } from "../dist/solve/solve.js";
import { createRandom } from "../dist/support/random.js";
import { targetNamed } from "../dist/targets/targets.js";
import { generateVerilog } from "../dist/verilog/generate.js";

const PARTS = ["ice40-hx8k", "ice40-up5k", "xc7"];
const INTERVALS = [96, 32, 12];
const MOST_ABOVE = 0.1;
const CLOCK = 50;
/** Choices that are kept while all of them are looked at. */
const KEPT = 500;

/** 12 inputs of 8 bits, 8 and 4 sums by weights of 5 and 4 bits. */
function network() {
  const random = createRandom("fold", 1);
  const numbers = (count, most) => Array.from({ length: count }, () => random.integer(-most, most - 1));
  const b = createProgramBuilder("small");
  const x = b.input({ name: "x", shape: [12], format: intFormat(false, 8, 8) });
  const first = b.dense({
    layer: "fc1",
    name: "sums1",
    input: x,
    weights: { units: 8, data: numbers(12 * 8, 16), format: intFormat(true, 5, 4) },
    bias: numbers(8, 100),
  });
  const h = b.requantize({
    layer: "fc1",
    name: "h",
    input: first,
    format: intFormat(false, 4, 3),
    activation: "relu",
  });
  const data = numbers(8 * 4, 8);
  const sums = b.dense({
    layer: "fc2",
    name: "sums2",
    input: h,
    weights: { units: 4, data, format: intFormat(true, 4, 3) },
  });
  b.output("class", b.argmax({ layer: "fc2", name: "class", input: sums }), "class");
  return b.build();
}

/** The least cost of all choices that keep the interval. */
function exhaustive(program, target, interval) {
  const flow = dataflowOf(program, "class");
  const options = {
    clockMHz: CLOCK,
    outputs: "class",
    intervalCycles: interval,
    folding: {},
    ...partOptions(target),
  };
  const task = { program, flow, target, options };
  const judge = createJudge(task);
  let choices = [{}];
  for (const layer of productLayers(flow)) {
    const legal = allFoldings(program, layer).filter(
      (f) => cyclesOf(program, layer, f, interval) <= interval,
    );
    const styled = legal.flatMap((f) => stylesOf(target).map((style) => ({ ...f, ...style })));
    choices = choices.flatMap((before) => styled.map((folding) => ({ ...before, [layer.layer]: folding })));
  }
  const styles = storagesOf(target);
  const storages = storingLayers(task, { folding: choices[0], storage: {} }).reduce(
    (all, layer) => all.flatMap((before) => styles.map((style) => ({ ...before, [layer]: style }))),
    [{}],
  );
  const count = choices.length * storages.length;
  // The cheapest ones are enough: nearly all of them keep the interval.
  let best = [];
  for (const folding of choices)
    for (const storage of storages) {
      const { cost, estimate } = judge({ folding, storage });
      if (best.length >= 2 * KEPT) best = best.toSorted((a, b) => a.cost - b.cost).slice(0, KEPT);
      best.push({ folding, storage, cost, estimate });
    }
  for (const { folding, storage, ...judged } of best.toSorted((a, b) => a.cost - b.cost)) {
    const schedule = scheduleProgram(program, { ...options, folding, storage });
    if (schedule.intervalCycles <= interval) return { folding, storage, ...judged, schedule, count };
  }
  throw new Error("no choice keeps the interval");
}

const PRODUCTS = { auto: "", logic: "no DSP", shared: "shared DSP" };
const foldingText = (folding) =>
  Object.values(folding)
    .map(({ pe, simd, memory, multiply }) =>
      [`${pe} x ${simd}`, memory === "auto" ? "" : memory, PRODUCTS[multiply]].filter(Boolean).join(" "),
    )
    .join(", ");
const areaText = ({ lut, dsp, bram }) =>
  `${lut} LUT${dsp > 0 ? ` ${dsp} DSP` : ""}${bram > 0 ? ` ${bram} BRAM` : ""}`;

/** What Yosys makes of schedules; those of the same Verilog are one. */
async function synthesised(program, target, schedules) {
  const { measure } = await import("./estimates/measure.mjs");
  const designs = schedules.map((schedule) => generateVerilog(program, schedule, { version: "0" }));
  const texts = designs.map(({ files, manifest }) => files.get(`rtl/${manifest.top}.v`));
  const distinct = [...new Set(texts)];
  const results = await measure(
    distinct.map((text) => designs[texts.indexOf(text)]),
    target,
    false,
  );
  return texts.map((text) => results[distinct.indexOf(text)].used);
}

const withYosys = process.argv.includes("--yosys");
const program = network();
const rows = [];
let isClose = true;
for (const part of PARTS) {
  const target = targetNamed(part);
  for (const interval of INTERVALS) {
    const begin = performance.now();
    const solution = solveFolding({
      program,
      target,
      goal: { kind: "interval", cycles: interval },
      clockMHz: CLOCK,
      outputs: "class",
    });
    const seconds = (performance.now() - begin) / 1000;
    const best = exhaustive(program, target, interval);
    const above = costOf(solution.estimate.total, target) / costOf(best.estimate.total, target) - 1;
    if (above > MOST_ABOVE) isClose = false;
    const measured = withYosys ? await synthesised(program, target, [solution.schedule, best.schedule]) : [];
    const [own, theirs] = measured;
    const row = [
      `\`${part}\``,
      `${interval}`,
      foldingText(solution.options.folding),
      areaText(solution.estimate.total),
      foldingText(best.folding),
      areaText(best.estimate.total),
      `${(100 * above).toFixed(1)} %`,
      own ? `${areaText(own)}; ${areaText(theirs)}` : "",
    ];
    console.log(
      row.join(" | "),
      `${best.count} choices, solver ${seconds.toFixed(2)} s, looked at ${solution.looked}`,
    );
    rows.push(row);
  }
}
const head = "| part | interval | solver | estimate | best of all | estimate | above | Yosys: solver; best |";
const table = [
  head,
  "|---|---|---|---|---|---|---|---|",
  ...rows.map((row) => `| ${row.join(" | ")} |`),
].join("\n");
console.log(table);
if (process.argv.includes("--docs")) {
  const path = fileURLToPath(new URL("../docs/estimates.md", import.meta.url));
  const text = readFileSync(path, "utf8");
  const [from, to] = ["<!-- folds -->", "<!-- end of folds -->"].map((mark) => text.indexOf(mark));
  writeFileSync(path, `${text.slice(0, from)}<!-- folds -->\n\n${table}\n\n${text.slice(to)}`);
}
process.exitCode = isClose ? 0 : 1;
