// Measures designs for a target and keeps each result in a cache, by design, target and versions of the tools; what is there is not
// measured again, so a run that was interrupted goes on.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { printProgram } from "../../dist/program/print.js";
import { scheduleProgram } from "../../dist/schedule/schedule.js";
import { generateVerilog } from "../../dist/verilog/generate.js";
import { designOf } from "./designs.mjs";
import { measure } from "./measure.mjs";

const CACHE = fileURLToPath(new URL("../../.cache/estimates/", import.meta.url));
const BATCH = { timed: 4, untimed: 8 };

/** Version of an optional package. */
export function versionOf(name) {
  const main = createRequire(import.meta.url).resolve(name);
  return JSON.parse(readFileSync(join(dirname(main), "..", "package.json"), "utf8")).version;
}

/** A design with its schedule and Verilog. */
export function builtDesign(index) {
  const { name, kind, program, hardware } = designOf(index);
  const schedule = scheduleProgram(program, hardware);
  const made = generateVerilog(program, schedule, { version: "0" });
  return { index, name, kind, program, schedule, made };
}

/** The place of a result: its Verilog without comments, and its memories, say what the design is. */
export function placeOf({ made, program }, target) {
  const hash = createHash("sha256");
  for (const path of [...made.manifest.sources, ...made.manifest.memories])
    hash.update(path).update(made.files.get(path).replace(/\/\/.*$/gm, ""));
  hash.update(printProgram(program)).update(target.flow.synth).update(versionOf("@yowasp/yosys"));
  if (target.flow.place?.tool === "nextpnr-ice40") hash.update(versionOf("@yowasp/nextpnr-ice40"));
  return join(CACHE, `${target.name}-${hash.digest("hex").slice(0, 24)}.json`);
}

/** Results of designs by their numbers: those of the cache, and the others measured now, with Fmax where it is asked for. */
export async function sweep(
  indices,
  target,
  { isTimed = () => true, cachedOnly = false, log = () => {} } = {},
) {
  mkdirSync(CACHE, { recursive: true });
  const canTime = target.flow.place?.tool === "nextpnr-ice40";
  const found = new Map();
  const todo = [];
  for (const index of indices) {
    const design = builtDesign(index);
    const path = placeOf(design, target);
    const timed = canTime && isTimed(index);
    const kept = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
    if (kept && (!timed || kept.fmaxMHz !== undefined)) found.set(index, { design, ...kept });
    else todo.push({ design, path, timed });
  }
  if (cachedOnly) return found;
  // Those that are timed and those that are not make different scripts.
  todo.sort((a, b) => Number(a.timed) - Number(b.timed));
  while (todo.length > 0) {
    const { timed } = todo[0];
    const now = [];
    while (now.length < BATCH[timed ? "timed" : "untimed"] && todo[0]?.timed === timed)
      now.push(todo.shift());
    const begin = performance.now();
    const results = await measure(
      now.map(({ design }) => design.made),
      target,
      timed,
    );
    const seconds = (performance.now() - begin) / 1000 / now.length;
    for (const [k, { design, path }] of now.entries()) {
      writeFileSync(path, `${JSON.stringify(results[k])}\n`);
      found.set(design.index, { design, ...results[k] });
      log(
        `${target.name} ${design.index} ${design.kind} ${JSON.stringify(results[k].used)} ${results[k].fmaxMHz ?? ""} ${seconds.toFixed(1)} s`,
      );
    }
  }
  return found;
}
