// The tools of the FPGA flow: YoWASP's WebAssembly packages, and what is on PATH. In: the folder where the user's packages are
// looked up. Out: tools that run in temporary folders.
import { realpathSync } from "node:fs";
import { access, mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { FlowTool, FlowTools, ToolJob, ToolName, ToolRun } from "../flow/runners.ts";
import { DiagnosticError } from "../support/diagnostics.ts";
import { withTemporaryFolder } from "./build-cache.ts";
import { runProcess } from "./processes.ts";
import { missingTool } from "./tool-failure.ts";
import type { YowaspRequest } from "./yowasp-child.ts";

export interface FlowToolsOptions {
  /** Where an optional package of the user is looked up first. */
  readonly projectFolder: string;
  /** Told every second which tool has run for how long. */
  readonly onTick?: (tool: string, seconds: number) => void;
  /** Only these places are looked at for commands; default $PATH. */
  readonly path?: string;
}

interface Known {
  /** As people call it. */
  readonly name: string;
  /** Variable that names the command to take whatever else is there. */
  readonly variable: string;
  /** Prints its version. */
  readonly versionArgument: string;
  readonly npm?: string;
}

const TOOLS: Readonly<Record<ToolName, Known>> = {
  yosys: { name: "Yosys", variable: "YOSYS", versionArgument: "-V", npm: "@yowasp/yosys" },
  "nextpnr-ice40": {
    name: "nextpnr-ice40",
    variable: "NEXTPNR_ICE40",
    versionArgument: "--version",
    npm: "@yowasp/nextpnr-ice40",
  },
  icepack: { name: "icepack", variable: "ICEPACK", versionArgument: "", npm: "@yowasp/nextpnr-ice40" },
  "nextpnr-ecp5": { name: "nextpnr-ecp5", variable: "NEXTPNR_ECP5", versionArgument: "--version" },
  "nextpnr-himbaechel": {
    name: "nextpnr-himbaechel",
    variable: "NEXTPNR_HIMBAECHEL",
    versionArgument: "--version",
  },
  vivado: { name: "Vivado", variable: "VIVADO", versionArgument: "-version" },
  quartus_sh: { name: "Quartus", variable: "QUARTUS_SH", versionArgument: "--version" },
};

/** Both compiler/tools and dist/tools are two levels below the package. */
const CHILD = import.meta.url.endsWith(".ts")
  ? fileURLToPath(new URL("../../dist/tools/yowasp-child.js", import.meta.url))
  : fileURLToPath(new URL("./yowasp-child.js", import.meta.url));

/** Makes the tools; each is looked for once, when it is first asked for. */
export function createFlowTools(options: FlowToolsOptions): FlowTools {
  const found = new Map<ToolName, Promise<FlowTool | undefined>>();
  const find = (tool: ToolName): Promise<FlowTool | undefined> => {
    const known = found.get(tool) ?? findTool(tool, options);
    found.set(tool, known);
    return known;
  };
  return {
    find,
    need: async (tool) => {
      const it = await find(tool);
      if (it) return it;
      throw new DiagnosticError([missingTool(TOOLS[tool].name)]);
    },
  };
}

async function findTool(tool: ToolName, options: FlowToolsOptions): Promise<FlowTool | undefined> {
  const { npm, variable } = TOOLS[tool];
  const named = process.env[variable];
  if (named) return nativeTool(tool, named, options);
  const packaged = npm === undefined ? undefined : await packagedTool(tool, npm, options);
  // icepack says no version: it is the one that came with its package.
  if (packaged && tool === "icepack") return packaged;
  const command = await onPath(tool, options.path ?? process.env.PATH ?? "");
  const native = command === undefined ? undefined : await nativeTool(tool, command, options);
  if (!packaged || !native) return packaged ?? native;
  return isNewer(native.version, packaged.version) ? native : packaged;
}

/** Full path of a command. */
async function onPath(command: string, path: string): Promise<string | undefined> {
  const endings = process.platform === "win32" ? [".exe", ".bat", ".cmd"] : [""];
  for (const folder of path.split(delimiter)) {
    for (const ending of endings) {
      const file = join(folder, command + ending);
      if (folder !== "" && (await exists(file))) return file;
    }
  }
  return undefined;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether version `a` comes after `b`, by its first two numbers. */
export function isNewer(a: string, b: string): boolean {
  const parts = (version: string): readonly number[] =>
    (/(\d+)\.(\d+)/.exec(version)?.slice(1) ?? ["0", "0"]).map(Number);
  const [[a1, a2], [b1, b2]] = [parts(a), parts(b)];
  return a1 === b1 ? a2! > b2! : a1! > b1!;
}

async function nativeTool(
  tool: ToolName,
  command: string,
  options: FlowToolsOptions,
): Promise<FlowTool | undefined> {
  const { name, versionArgument } = TOOLS[tool];
  let version = "";
  if (versionArgument !== "") {
    const said = await runProcess(command, [versionArgument], { timeoutSeconds: 60 });
    if (!said.started || said.exitCode !== 0) return undefined;
    const text = `${new TextDecoder().decode(said.stdout)}\n${said.stderr}`;
    version = /\d+\.\d[\w.+-]*/.exec(text)?.[0] ?? "";
  }
  return {
    name,
    version,
    origin: "native",
    // What the tool itself puts aside goes with the folder, and has no blanks in its path, which Yosys does not take.
    run: (job) =>
      runIn(job, name, options, (cwd) => runProcess(command, job.arguments, { cwd, env: { TMPDIR: "." } })),
    readShare: async (path) => {
      for (const folder of await shareFolders(command)) {
        const file = join(folder, ...path.split("/"));
        if (await exists(file)) return readFile(file, "utf8");
      }
      return undefined;
    },
  };
}

/** Where a native tool may keep its data. */
async function shareFolders(command: string): Promise<readonly string[]> {
  const config = await runProcess(`${command}-config`, ["--datdir"], { timeoutSeconds: 60 });
  const said = new TextDecoder().decode(config.stdout).trim();
  const beside = await onPath(command, process.env.PATH ?? "").then((path) => path ?? command);
  return [
    ...(config.exitCode === 0 && said !== "" ? [said] : []),
    ...((await exists(beside)) ? [join(dirname(realpathSync(beside)), "..", "share", "yosys")] : []),
  ];
}

async function packagedTool(
  tool: ToolName,
  npm: string,
  options: FlowToolsOptions,
): Promise<FlowTool | undefined> {
  const bundle = findPackage(npm, options.projectFolder);
  if (bundle === undefined) return undefined;
  const { name } = TOOLS[tool];
  const manifest = JSON.parse(await readFile(join(dirname(bundle), "..", "package.json"), "utf8")) as {
    readonly version: string;
  };
  return {
    name,
    version: manifest.version,
    origin: npm,
    run: (job) => {
      const request: YowaspRequest = {
        bundle,
        command: tool,
        arguments: job.arguments,
        outputs: job.outputs,
      };
      return runIn(job, name, options, (cwd) =>
        runProcess(process.execPath, [CHILD, JSON.stringify(request)], { cwd }),
      );
    },
    readShare: (path) => readPackagedShare(join(dirname(bundle), `resources-${tool}.js`), path),
  };
}

/** Main module of a package, looked up from the user's project, then from ours. */
function findPackage(name: string, projectFolder: string): string | undefined {
  for (const from of [join(projectFolder, "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // Not there; the next place.
    }
  }
  return undefined;
}

/** A file of the tree that a package keeps its tool's data in: text, bytes, or the address of a file. */
async function readPackagedShare(resources: string, path: string): Promise<string | undefined> {
  const { filesystem } = (await import(pathToFileURL(resources).href)) as {
    readonly filesystem: { readonly share?: unknown };
  };
  let found: unknown = filesystem.share;
  for (const name of path.split("/")) found = (found as Record<string, unknown> | undefined)?.[name];
  if (typeof found === "string") return found;
  if (found instanceof URL) return readFile(found, "utf8");
  return found instanceof Uint8Array ? new TextDecoder().decode(found) : undefined;
}

/** Runs a tool on the job's files in a temporary folder, and reads back what it left. */
async function runIn(
  job: ToolJob,
  name: string,
  { onTick }: FlowToolsOptions,
  start: (cwd: string) => ReturnType<typeof runProcess>,
): Promise<ToolRun> {
  return withTemporaryFolder(job.files, async (root) => {
    const cwd = job.folder === undefined ? root : join(root, ...job.folder.split("/"));
    await mkdir(cwd, { recursive: true });
    const begin = performance.now();
    const seconds = (): number => Math.round((performance.now() - begin) / 100) / 10;
    const timer = setInterval(() => onTick?.(name, Math.round(seconds())), 1000);
    try {
      const ended = await start(cwd);
      const files = new Map<string, Uint8Array>();
      for (const path of job.outputs) {
        const file = join(root, ...path.split("/"));
        if (await exists(file)) files.set(path, new Uint8Array(await readFile(file)));
      }
      // A tool that was ended has no word of its own for it.
      const killed = ended.signal === undefined ? "" : `\nERROR: ${name} was ended by ${ended.signal}`;
      const printed = `${ended.stderr}\n${new TextDecoder().decode(ended.stdout)}${killed}`;
      return {
        ok: ended.exitCode === 0,
        files,
        log: ended.started ? printed : "it could not be started",
        seconds: seconds(),
      };
    } finally {
      clearInterval(timer);
    }
  });
}
