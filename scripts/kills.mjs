// Kills commands at random moments, and looks at what they leave. In: KILLS, SEED. Out: a table and a line of figures; exit 1 where
// a directory was corrupted, a process stayed behind, an exit code was wrong, or a plain re-run did not end as an undisturbed one.
//   node scripts/kills.mjs [KILLS] [SEED] [COMMAND ...]
// Each kill is SIGKILL, SIGINT or SIGTERM, up to a little after the command's usual end. Then: no temporary file after SIGINT and
// SIGTERM, nothing that runs any more (after SIGKILL: once a compiler that was at work is done in its own folder), every folder of
// the build directory whole, and the same command again gives byte for byte what it gives undisturbed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "bin/noisefloor.js");
const [kills = 200, seed = 1] = process.argv.slice(2, 4).map(Number);
const only = process.argv.slice(4);

const work = mkdtempSync(join(tmpdir(), "noisefloor-kills-"));
const mark = `kills-${process.pid}`;
/** What a compiler needs that was at work when its parent was killed; and anything else. */
const COMPILER_MS = 120_000;
const MOMENT_MS = 5000;

let state = (seed * 2654435761 + 1) >>> 0;
/** From 0 to below 1. */
const draw = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
for (let i = 0; i < 4; i++) draw();

const MODEL = `floor 1
data {
  train: csv("data/train.csv", label: "condition")
  test: csv("data/test.csv", label: "condition")
  validation: 100 samples
}
model condition {
  input sensors: 4 as u8
  output state = sensors -> fc1: dense(3) -> argmax
}
train {
  objective: budget(0.3 kbitops)
  float: 4 epochs
  noise: 4 epochs
  rounding: 4 epochs
}
`;
const OUT = "answers.npy";

/** The commands, what each needs of another before, and how often it is chosen among the others. */
const COMMANDS = {
  init: { words: ["init", "project"], share: 1 },
  train: { words: ["train", "model.floor", "-o", "b"], share: 10 },
  compile: { words: ["compile", "b"], after: "train", share: 10 },
  verify: { words: ["verify", "b", "--rtl-vectors", "40"], after: "compile", share: 6 },
  synth: { words: ["synth", "b", "--target", "xc7"], after: "verify", share: 4 },
  build: { words: ["build", "model.floor", "-o", "b", "--rtl-vectors", "40"], share: 3 },
  export: { words: ["export", "b", "-o", "out"], after: "compile", share: 2 },
  simulate: {
    words: ["simulate", "b", "--input", "b/design/vectors/inputs.npy", "--output", OUT, "--backend", "c"],
    after: "compile",
    share: 2,
  },
};
const names = only.length > 0 ? only : Object.keys(COMMANDS);
const turns = names.flatMap((name) => new Array(COMMANDS[name].share).fill(name));

const environment = (folder, cache = "cache") => ({
  ...process.env,
  NO_COLOR: "1",
  NOISEFLOOR_KILLS: mark,
  TMPDIR: join(folder, "tmp"),
  XDG_CACHE_HOME: join(work, cache),
});

/** Starts a command in a folder; `end` resolves with its exit code or signal, what it said, and how long it took. */
function start(words, folder, cache) {
  mkdirSync(join(folder, "tmp"), { recursive: true });
  const started = performance.now();
  const child = spawn(process.execPath, [cli, ...words], {
    cwd: folder,
    env: environment(folder, cache),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
  const end = new Promise((done) =>
    child.on("exit", (code, signal) =>
      done({ code, signal, said: () => said, took: performance.now() - started }),
    ),
  );
  return { child, end };
}

/** Processes of ours, by the variable that all of them inherit; how each is called. */
function running() {
  const found = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
    try {
      if (readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")) continue;
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").includes(`NOISEFLOOR_KILLS=${mark}`)) continue;
      found.push({
        pid: Number(pid),
        command: readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " "),
      });
    } catch {
      // It ended meanwhile.
    }
  return found;
}

async function waitUntilNone(limit) {
  const started = performance.now();
  for (;;) {
    const left = running();
    if (left.length === 0 || performance.now() - started > limit) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Hashes of all files below a folder but for what is excluded from every promise: seconds, and the folder of temporary files. */
function bytesOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !path.startsWith("tmp/") && !path.endsWith("timing.json"))
    .sort();
  return new Map(files.map((path) => [path, hashOf(readFileSync(join(folder, path)))]));
}
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

function differences(found, expected) {
  const paths = new Set([...found.keys(), ...expected.keys()]);
  return [...paths].filter((path) => found.get(path) !== expected.get(path));
}

/** What is wrong with a folder that a command was killed in: every part is of before, or of after, and none half. */
function corruptions(folder, before, after) {
  const problems = [];
  const b = join(folder, "b");
  const jsonAt = (path) => JSON.parse(readFileSync(join(b, path), "utf8"));
  try {
    if (existsSync(join(b, "noisefloor.json"))) jsonAt("noisefloor.json");
    else if (existsSync(b) && readdirSync(b).some((name) => !name.endsWith(".tmp")))
      problems.push("b has no marker");
    // Folders are swapped: what stands under its own name is whole. train/ grows file by file, each of them whole.
    for (const [part, hashes] of [
      ["design", (json) => json.files],
      ["train", (json) => json.files],
    ]) {
      const list = part === "design" ? "design/manifest.json" : "train/result.json";
      if (!existsSync(join(b, list))) {
        if (part === "design" && existsSync(join(b, part))) problems.push("design has no manifest");
        continue;
      }
      for (const [path, hash] of Object.entries(hashes(jsonAt(list)))) {
        const file = join(b, part === "design" ? `design/${path}` : path);
        if (!existsSync(file) || hashOf(readFileSync(file)) !== hash)
          problems.push(`${file} is not what ${list} says`);
      }
    }
  } catch (error) {
    problems.push(`${error}`);
  }
  // Any other file is as before or as after; what is being written has a name that says so.
  for (const [path, hash] of bytesOf(folder)) {
    if (
      /(\.tmp|\.next|\.previous)(\/|$)|\.lock|noisefloor-(next|previous)|checkpoint\.bin$|log\.jsonl$/.test(
        path,
      )
    )
      continue;
    if (hash !== before.get(path) && !after.has(path)) problems.push(`${path} is of neither`);
    else if (![before.get(path), ...(after.get(path) ?? [])].includes(hash))
      problems.push(`${path} is of neither state`);
  }
  return problems;
}

/** A folder before a command, the folder after it, and how long it took. */
const undisturbed = new Map();
async function prepare(name) {
  if (undisturbed.has(name)) return undisturbed.get(name);
  const { words, after } = COMMANDS[name];
  const before = after ? (await prepare(after)).after : join(work, "start");
  const folder = join(work, `after-${name}`);
  cpSync(before, folder, { recursive: true });
  // Twice: with a cold cache of compiled programs, and with what that left.
  const cold = await run(words, folder, "cache");
  const again = join(work, "again");
  cpSync(before, again, { recursive: true });
  const { took } = await run(words, again, "cache");
  const different = differences(bytesOf(again), bytesOf(folder));
  if (different.length > 0)
    throw new Error(`${name} gives other bytes when it runs again: ${different.join(", ")}`);
  rmSync(again, { recursive: true });
  const made = { before, after: folder, took, cold: cold.took };
  undisturbed.set(name, made);
  return made;
}

async function run(words, folder, cache) {
  const result = await start(words, folder, cache).end;
  if (result.code !== 0)
    throw new Error(`noisefloor ${words.join(" ")} ended with ${result.code}: ${result.said()}`);
  return result;
}

const SIGNALS = ["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"];
const CODES = { SIGINT: 130, SIGTERM: 143 };
const problems = [];
const table = new Map();

async function killOnce(number) {
  const name = turns[Math.floor(draw() * turns.length)];
  const signal = SIGNALS[Math.floor(draw() * SIGNALS.length)];
  const made = await prepare(name);
  // One in six compiles its programs anew.
  const usesCache = ["verify", "build", "simulate"].includes(name);
  const cache = usesCache && draw() < 1 / 6 ? `cold-${number}` : "cache";
  const wait = draw() * 1.05 * (cache === "cache" ? made.took : Math.max(made.took, made.cold));
  const label = `kill ${number}: ${signal} ${Math.round(wait)} ms into ${name}${cache === "cache" ? "" : ", cold cache"}`;
  const bad = (what) => {
    problems.push(`${label}: ${what}`);
    console.error(`PROBLEM ${label}: ${what}`);
  };
  const folder = join(work, "killed");
  rmSync(folder, { recursive: true, force: true });
  cpSync(made.before, folder, { recursive: true });
  const { child, end } = start(COMMANDS[name].words, folder, cache);
  const timer = setTimeout(() => child.kill(signal), wait);
  const { code, signal: ended, said } = await end;
  clearTimeout(timer);
  const row = table.get(name) ?? { kills: 0, done: 0 };
  table.set(name, row);
  row.kills++;
  if (code === 0) row.done++;
  // Before our handlers stand, and by SIGKILL, the system ends it.
  else if (ended === null && code !== CODES[signal]) bad(`exit code ${code}: ${said()}`);

  const left = await waitUntilNone(signal === "SIGKILL" ? COMPILER_MS : MOMENT_MS);
  if (left.length > 0) bad(`still running: ${left.map(({ command }) => command.slice(0, 200)).join("; ")}`);
  if (signal !== "SIGKILL" && ended === null) {
    const temporary = readdirSync(join(folder, "tmp"));
    if (temporary.length > 0) bad(`temporary files: ${temporary.join(", ")}`);
    if (existsSync(join(folder, "b/.lock"))) bad("the lock is there");
  }
  const known = new Map();
  // A build passes through the states of its steps.
  for (const { after } of undisturbed.values())
    for (const [path, hash] of bytesOf(after)) known.set(path, [...(known.get(path) ?? []), hash]);
  for (const problem of corruptions(folder, bytesOf(made.before), known)) bad(problem);

  const again = await start(COMMANDS[name].words, folder, "cache").end;
  // What is complete is not made again: init says so, and it is.
  const isDone = name === "init" && again.code === 1 && /cli\/file-exists/.test(again.said());
  if (again.code !== 0 && !isDone) bad(`the re-run ended with ${again.code}: ${again.said()}`);
  const different = differences(bytesOf(folder), bytesOf(made.after));
  if (different.length > 0) bad(`the re-run gave other bytes: ${different.slice(0, 5).join(", ")}`);
  rmSync(join(work, `cold-${number}`), { recursive: true, force: true });
}

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
])
  process.on(signal, () => process.exit(exitCode));
process.on("exit", () => {
  for (const { pid } of running())
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  rmSync(work, { recursive: true, force: true });
});

mkdirSync(join(work, "start"));
await run(["init", "."], join(work, "start"), "cache");
writeFileSync(join(work, "start/model.floor"), MODEL);
rmSync(join(work, "start/condition.floor"));
for (const name of names) {
  const { took, cold } = await prepare(name);
  console.error(`${name} takes ${Math.round(took)} ms, ${Math.round(cold)} ms at first`);
}
for (let number = 1; number <= kills; number++) {
  await killOnce(number);
  if (number % 10 === 0) console.error(`${number} of ${kills} kills, ${problems.length} problems`);
}

console.log("command     kills  done before");
for (const [name, { kills: count, done }] of table)
  console.log(`${name.padEnd(10)}${`${count}`.padStart(7)}${`${done}`.padStart(13)}`);
console.log(`${kills} kills of seed ${seed}, ${problems.length} problems`);
for (const problem of problems) console.log(problem.split("\n")[0]);
process.exitCode = problems.length > 0 ? 1 : 0;
