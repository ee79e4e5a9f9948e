// How close the estimates come to Yosys, and for iCE40 to nextpnr, on designs that they were not fitted to; and what they are fitted
// by. Needs a build (`npm run build`), @yowasp/yosys and @yowasp/nextpnr-ice40. Use:
//   node bench/estimates.mjs --target xc7          measures what is not in .cache/estimates yet, prints every design and the table
//   node bench/estimates.mjs --target xc7 --fit    fits compiler/targets/coefficients/xc7.ts first; build again to use it
//   --no-place leaves out Fmax of designs that were not placed yet
//   node bench/estimates.mjs --docs                writes the table of docs/estimates.md from what was measured, of all targets
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LOGIC } from "../dist/estimate/bill.js";
import { areaOf, billOf } from "../dist/estimate/estimate.js";
import { delayOf, pathsOf } from "../dist/estimate/timing.js";
import { COEFFICIENTS } from "../dist/targets/coefficients/coefficients.js";
import { TARGETS, targetNamed } from "../dist/targets/targets.js";
import { fitCoefficients, fitDelays, median } from "./estimates/fit.mjs";
import { coefficientsText, tableText } from "./estimates/print.mjs";
import { sweep, versionOf } from "./estimates/sweep.mjs";

/** Numbers of the designs that are fitted to, and of those that are judged. */
const FITTED = Array.from({ length: 16 }, (_, i) => i);
const JUDGED = Array.from({ length: 60 }, (_, i) => 16 + i);
/** Those that are placed too, which takes the longest: the first eight of them delays are fitted to, by the others Fmax is judged. */
const FIRST_TIMED = 28;
const options = process.argv.slice(2);
const isTimed = (index) => !options.includes("--no-place") && index >= FIRST_TIMED;
const isTimeFitted = (index) => index >= FIRST_TIMED && index < FIRST_TIMED + 8;

const named = options.includes("--target") ? options[options.indexOf("--target") + 1] : undefined;
const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** What the estimate says of a measured design, and what was measured. */
function rowOf({ design, used, fmaxMHz }, target) {
  const { program, schedule, index, kind } = design;
  const bills = schedule.stages.map((stage) => billOf(program, stage, target));
  const sum = (of) => bills.reduce((all, bill) => all + of(bill), 0);
  const paths = schedule.stages.flatMap((stage) => pathsOf(program, stage, target));
  const amounts = Object.fromEntries(LOGIC.map((name) => [name, sum((bill) => bill.logic[name])]));
  return {
    index,
    kind,
    bills,
    paths,
    amounts,
    fixed: sum((b) => b.lutRam),
    registers: sum((b) => b.registers),
    used,
    fmaxMHz,
  };
}

function judged(row, coefficients) {
  const areas = row.bills.map((bill) => areaOf(bill, coefficients));
  const total = (name) => areas.reduce((sum, area) => sum + area[name], 0);
  const whole = (name) => Math.ceil(total(name) - 1e-6);
  const longest =
    coefficients.delays && Math.max(...row.paths.map((path) => delayOf(path, coefficients.delays)));
  return {
    ...row,
    lut: total("lut") / row.used.lut - 1,
    ff: total("ff") / row.used.ff - 1,
    dsp: whole("dsp") - row.used.dsp,
    bram: whole("bram") - row.used.bram,
    fmax: longest && row.fmaxMHz && !isTimeFitted(row.index) ? 1000 / longest / row.fmaxMHz - 1 : undefined,
  };
}

const LINE = (row) =>
  [
    `${row.index}`.padStart(3),
    row.kind.padEnd(8),
    `LUT ${row.used.lut} ${percent(row.lut)}`,
    `FF ${row.used.ff} ${percent(row.ff)}`,
    `DSP ${row.used.dsp} ${row.dsp}`,
    `BRAM ${row.used.bram} ${row.bram}`,
    row.fmax === undefined ? "" : `Fmax ${row.fmaxMHz} ${percent(row.fmax)}`,
  ].join("  ");
const percent = (error) => `${error < 0 ? "" : "+"}${(100 * error).toFixed(1)} %`;

function summary(target, rows) {
  const of = (name) => rows.map((row) => row[name]).filter((v) => v !== undefined);
  const size = (values) => values.map(Math.abs);
  const pair = (name) => ({ median: median(size(of(name))), worst: Math.max(...size(of(name))) });
  return {
    target: target.name,
    designs: rows.length,
    lut: pair("lut"),
    ff: pair("ff"),
    dspExact: of("dsp").filter((d) => d === 0).length,
    bramExact: of("bram").filter((d) => d === 0).length,
    withDsp: rows.filter((r) => r.used.dsp > 0).length,
    withBram: rows.filter((r) => r.used.bram > 0).length,
    ...(of("fmax").length > 0
      ? {
          fmax: {
            ...pair("fmax"),
            within: size(of("fmax")).filter((e) => e <= 0.2).length,
            designs: of("fmax").length,
          },
        }
      : {}),
  };
}

async function judge(target, indices, options) {
  const found = await sweep(indices, target, { isTimed, log: (line) => console.log(line), ...options });
  return indices.filter((i) => found.has(i)).map((i) => rowOf(found.get(i), target));
}

if (named !== undefined) {
  const target = targetNamed(named);
  if (!target) throw new Error(`no target ${named}: ${TARGETS.map(({ name }) => name).join(", ")}`);
  let coefficients = COEFFICIENTS[named];
  const cachedOnly = options.includes("--cached");
  if (options.includes("--fit")) {
    const rows = await judge(target, FITTED, { cachedOnly });
    const lutRows = rows.map(({ amounts, fixed, used }) => ({ amounts, fixed, measured: used.lut }));
    const lut = fitCoefficients(LOGIC, lutRows);
    const registers = rows.map(({ registers, used }) => ({
      amounts: { register: registers },
      fixed: 0,
      measured: used.ff,
    }));
    const { register } = fitCoefficients(["register"], registers, { register: 1 });
    const timed = coefficients.delays
      ? (await judge(target, JUDGED.filter(isTimeFitted), { cachedOnly })).filter((row) => row.fmaxMHz)
      : [];
    const delays = timed.length > 0 ? fitDelays(timed, coefficients.delays, delayOf) : coefficients.delays;
    coefficients = { lut, register, ...(delays ? { delays } : {}) };
    writeFileSync(file(`compiler/targets/coefficients/${named}.ts`), coefficientsText(named, coefficients));
    for (const row of rows) console.log("fitted", LINE(judged(row, coefficients)));
  }
  const rows = (await judge(target, JUDGED, { cachedOnly })).map((row) => judged(row, coefficients));
  for (const row of rows) console.log(LINE(row));
  console.log(tableText([summary(target, rows)]));
}

if (options.includes("--docs")) {
  const path = file("docs/estimates.md");
  const summaries = [];
  for (const target of TARGETS) {
    const rows = (await judge(target, JUDGED, { cachedOnly: true })).map((row) =>
      judged(row, COEFFICIENTS[target.name]),
    );
    if (rows.length > 0) summaries.push(summary(target, rows));
  }
  const text = readFileSync(path, "utf8");
  const [from, to] = ["<!-- errors -->\n", "<!-- end of errors -->"].map((mark) => text.indexOf(mark));
  const tools = `By Yosys ${versionOf("@yowasp/yosys")} and nextpnr-ice40 ${versionOf("@yowasp/nextpnr-ice40")}, from npm.\n`;
  writeFileSync(
    path,
    `${text.slice(0, from)}<!-- errors -->\n\n${tableText(summaries)}\n\n${tools}\n${text.slice(to)}`,
  );
}
