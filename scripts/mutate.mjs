// Injects faults into the Verilog and C of examples, or of compiled designs, and runs the exactness gate on each. In: names, options.
// Out: a summary; status 1 when a mutant survived. A run that was broken off goes on.
// Use: node scripts/mutate.mjs [--mutants n] [--seed s] [--jobs j] [--backend rtl|c] [--kinds "bias,shift"] [--summary FILE] [NAME|DIR ...]
import { argv, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: {
    mutants: { type: "string", default: "72" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string" },
    backend: { type: "string" },
    kinds: { type: "string" },
    summary: { type: "string" },
  },
});

/** A whole number above 0; anything else ends the run. */
function countOf(name, text) {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  console.error(`--${name} takes a whole number above 0, not ${text}`);
  exit(2);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const { module } = await runnerImport(`${root}rtl-tests/mutation/main.ts`, {
  root,
  configFile: false,
  logLevel: "error",
});
exit(
  await module.mutate({
    names: positionals,
    mutants: countOf("mutants", values.mutants),
    seed: countOf("seed", values.seed),
    ...(values.jobs ? { jobs: countOf("jobs", values.jobs) } : {}),
    ...(values.backend ? { backends: [values.backend] } : {}),
    ...(values.kinds ? { kinds: values.kinds.split(",").map((kind) => kind.trim()) } : {}),
    ...(values.summary ? { summary: values.summary } : {}),
  }),
);
