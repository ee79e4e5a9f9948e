// Spoiled inputs for every reader, many of them: each has to be read or refused, within 5 s of a processor and 500 MB. Worker
// processes read them in parts that are kept, so that a run that is stopped goes on with the same command; what dies, hangs or
// takes too much is saved below compiler/tests/fuzz/findings, which the tests replay. Use:
//   node scripts/fuzz-inputs.mjs [INPUTS] [SEED] [PROCESSES]
// Exit 1 where something was found.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [inputs = 20_000, seed = 1, processes = availableParallelism()] = process.argv.slice(2).map(Number);
if (![inputs, seed, processes].every((n) => Number.isSafeInteger(n) && n >= 0) || processes === 0) {
  console.error("use: node scripts/fuzz-inputs.mjs [INPUTS] [SEED] [PROCESSES], all whole numbers");
  process.exit(2);
}

/** Inputs of one process: few enough that little is lost by a kill, enough that its start does not count. */
const PART = 5000;
const LIMITS = { milliseconds: 5000, megabytes: 500 };
/** Of the heap; the rest of the 500 MB is for what lies outside of it. */
const HEAP = ["--max-old-space-size=320", "--max-semi-space-size=8"];
const WATCH_MS = 250;
/** A worker that the machine gives no processor time is given up after so many times the limit. */
const WAITING = 12;

const folder = join(root, "build/fuzz-inputs");
const findings = join(root, "compiler/tests/fuzz/findings");
mkdirSync(folder, { recursive: true });

/** One file of the worker and all that it tests: it starts soon, and takes no memory for compiling. */
async function bundleWorker() {
  const { rolldown } = await import("rolldown");
  const made = await rolldown({
    input: join(root, "compiler/tests/fuzz/worker.ts"),
    platform: "node",
    logLevel: "silent",
  });
  const path = join(folder, `worker-${process.pid}.mjs`);
  const { output } = await made.write({ file: path, format: "esm", codeSplitting: false });
  await made.close();
  return { path, code: output[0].code };
}
const { path: worker, code } = await bundleWorker();

// Finished parts, of this seed and of these very sources.
const stamp = createHash("sha256").update(code).digest("hex").slice(0, 16);
const log = join(folder, `seed-${seed}-${stamp}.jsonl`);
const finished = new Map();
if (existsSync(log))
  for (const line of readFileSync(log, "utf8").split("\n"))
    try {
      const part = JSON.parse(line);
      finished.set(part.from, part);
    } catch {
      // The last line of a run that was killed.
    }
const parts = Array.from({ length: Math.ceil(inputs / PART) }, (_, i) => ({
  from: i * PART,
  to: Math.min(inputs, (i + 1) * PART),
})).filter(({ from, to }) => finished.get(from)?.to !== to);
const already = Math.ceil(inputs / PART) - parts.length;
if (already > 0) console.error(`${already} of ${already + parts.length} parts are done already`);

/** Processor seconds and resident megabytes of a process; undefined where the system does not say. */
function usageOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    // utime and stime, in hundredths of a second; rss in pages.
    return {
      seconds: (Number(fields[11]) + Number(fields[12])) / 100,
      megabytes: (Number(fields[21]) * 4096) / 2 ** 20,
    };
  } catch {
    return undefined;
  }
}

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(worker, { force: true });
});
for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
])
  process.on(signal, () => process.exit(exitCode));

let found = 0;
function save({ index, reader, what, input }) {
  found++;
  mkdirSync(findings, { recursive: true });
  const name = `${reader.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-${seed}-${index}.json`;
  writeFileSync(join(findings, name), `${JSON.stringify({ reader, what, input }, null, 2)}\n`);
  console.error(`FOUND ${name}: ${what.split("\n").slice(0, 3).join(" | ")}`);
}

/** Runs one worker over numbers from..to. Resolves with its lines, and where it stopped when it did not reach the end. */
function runWorker(from, to, name) {
  return new Promise((done) => {
    const state = join(tmpdir(), `noisefloor-fuzz-${process.pid}-${name}`);
    const request = { seed, from, to, state, limits: LIMITS };
    const child = spawn(process.execPath, [...HEAP, worker, JSON.stringify(request)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    running.add(child);
    let [text, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      errors = (errors + chunk).slice(0, 2000);
    });
    const at = () => {
      const bytes = existsSync(state) ? readFileSync(state) : Buffer.alloc(0);
      return bytes.length === 4 ? bytes.readUInt32LE() : from;
    };
    let why;
    let seen = { index: -1, seconds: 0, when: 0 };
    const watch = setInterval(() => {
      const usage = usageOf(child.pid);
      const index = at();
      const [seconds, when] = [usage?.seconds ?? 0, performance.now()];
      if (index !== seen.index) seen = { index, seconds, when };
      if ((seconds - seen.seconds) * 1000 > LIMITS.milliseconds) why = "it took more than 5 s of a processor";
      else if (when - seen.when > WAITING * LIMITS.milliseconds) why = "it did not end";
      // The worker looks at its own peak behind each input; this is for one that never comes there.
      else if (usage && usage.megabytes > 1.5 * LIMITS.megabytes)
        why = `the process had ${Math.round(usage.megabytes)} MB`;
      if (why) child.kill("SIGKILL");
    }, WATCH_MS);
    child.on("close", (exitCode, signal) => {
      clearInterval(watch);
      running.delete(child);
      const lines = text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      const stopped = lines.some((line) => line.counts) ? undefined : at();
      rmSync(state, { force: true });
      done({ lines, stopped, why: why ?? `the process ended with ${signal ?? exitCode}: ${errors.trim()}` });
    });
  });
}

/** The bytes of an input, from a process of its own that does not read it. */
async function inputBytes(index) {
  const { runnerImport } = await import("vite");
  const { module } = await runnerImport(join(root, "compiler/tests/fuzz/readers.ts"));
  const { reader, bytes } = module.inputOf(seed, index);
  return { reader: reader.name, input: Buffer.from(bytes).toString("base64") };
}

function merge(counts, more) {
  for (const [reader, count] of Object.entries(more)) {
    counts[reader] ??= { inputs: 0, accepted: 0, refused: 0, milliseconds: 0, slowest: 0 };
    const sum = counts[reader];
    for (const key of ["inputs", "accepted", "refused", "milliseconds"]) sum[key] += count[key];
    sum.slowest = Math.max(sum.slowest, count.slowest);
  }
}

/** Reads all inputs of a part; after one that ends its process another goes on behind it. */
async function runPart({ from, to }, name) {
  const part = { from, to, counts: {}, megabytes: 0, findings: 0 };
  for (let next = from; next < to; ) {
    const { lines, stopped, why } = await runWorker(next, to, name);
    for (const line of lines) {
      if (line.counts) {
        merge(part.counts, line.counts);
        part.megabytes = Math.max(part.megabytes, line.megabytes);
        continue;
      }
      // Memory that earlier inputs left is not this one's: alone in a process it shows what it takes.
      const isMemory = /^the process had/.test(line.what);
      if (isMemory && !(await runWorker(line.index, line.index + 1, name)).lines.some(({ what }) => what))
        continue;
      part.findings++;
      save(line);
    }
    if (stopped === undefined) break;
    const alone = await runWorker(stopped, stopped + 1, name);
    if (alone.stopped !== undefined || !/MB$/.test(why)) {
      part.findings++;
      save({
        index: stopped,
        what: alone.stopped === undefined ? `not alone: ${why}` : alone.why,
        ...(await inputBytes(stopped)),
      });
    }
    // What it counted before is lost with the process: those inputs are read again, up to the one that ended it.
    if (stopped > next) {
      const again = await runWorker(next, stopped, name);
      for (const line of again.lines) if (line.counts) merge(part.counts, line.counts);
    }
    next = stopped + 1;
  }
  appendFileSync(log, `${JSON.stringify(part)}\n`);
  finished.set(from, part);
  return part;
}

const started = performance.now();
let done = 0;
const waiting = [...parts];
async function work(name) {
  for (let part = waiting.shift(); part; part = waiting.shift()) {
    const { from, to } = await runPart(part, name);
    done += to - from;
    const rate = done / ((performance.now() - started) / 1000);
    const left = waiting.reduce((sum, p) => sum + p.to - p.from, 0);
    console.error(
      `${done} inputs, ${Math.round(rate)} a second, ${Math.round(left / rate)} s to go, ${found} found`,
    );
  }
}
await Promise.all(Array.from({ length: processes }, (_, i) => work(i)));

const counts = {};
const all = [...finished.values()].filter(({ to }) => to <= inputs);
for (const part of all) merge(counts, part.counts);
const megabytes = Math.max(0, ...all.map((part) => part.megabytes));
const known = all.reduce((sum, part) => sum + part.findings, 0);
const sum = (key) => Object.values(counts).reduce((total, count) => total + count[key], 0);
const slowest = Math.max(0, ...Object.values(counts).map((count) => count.slowest));
const summary = {
  seed,
  inputs: sum("inputs"),
  accepted: sum("accepted"),
  refused: sum("refused"),
  findings: known,
  slowestMilliseconds: Math.round(slowest),
  peakMegabytes: Math.round(megabytes),
  processorSeconds: Math.round(sum("milliseconds") / 1000),
  readers: counts,
};
writeFileSync(join(folder, `summary-${seed}.json`), `${JSON.stringify(summary, null, 2)}\n`);
const row = (...cells) =>
  cells.map((cell, i) => (i === 0 ? `${cell}`.padEnd(24) : `${cell}`.padStart(12))).join("");
console.log(row("reader", "inputs", "accepted", "refused", "mean ms", "slowest ms"));
for (const [reader, c] of Object.entries(counts))
  console.log(
    row(
      reader,
      c.inputs,
      c.accepted,
      c.refused,
      (c.milliseconds / c.inputs).toFixed(2),
      Math.round(c.slowest),
    ),
  );
console.log(
  `${summary.inputs} inputs of seed ${seed}: ${summary.accepted} accepted, ${summary.refused} refused, ${known} findings; ` +
    `slowest ${summary.slowestMilliseconds} ms, most memory of a process ${summary.peakMegabytes} MB`,
);
process.exitCode = known > 0 ? 1 : 0;
