// The command line: options, exit codes, and which module runs a command.
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { BOARDS } from "../boards/boards.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { VERSION } from "../support/version.ts";
import { TARGETS } from "../targets/targets.ts";
import { TrainingStopped } from "../train/request.ts";
import { type CommandOutcome, type Context, createContext, printJson, sayDiagnostics } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { checkReadable } from "./path-checks.ts";
import { resumeCommand, resumeHint } from "./resume.ts";

type Run = (context: Context) => Promise<CommandOutcome>;

const FILE_SYSTEM_ERRORS = new Set([
  "EACCES",
  "EPERM",
  "ENOSPC",
  "EROFS",
  "EDQUOT",
  "EMFILE",
  "EIO",
  "EFBIG",
  "ENFILE",
  "ENOMEM",
  "EAGAIN",
  "EBUSY",
  "ENAMETOOLONG",
  // Every path of the user is checked where it is used; what is left is a folder for temporary files that is none, or
  // a folder that was taken away during the work.
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
]);

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > 2 ** 32 - 1)
    throw new InvalidArgumentError("not an integer from 0 to 4294967295");
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("not a number above 0");
  return value;
}

/** An option that may be given several times. */
function listed(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** The command that runs with --json, for the object that a crash owes. */
let runningWithJson: string | undefined;

/** Ends the command: everything is closed, said, and the exit code set. Never throws. */
async function execute(name: string, json: boolean, run: Run): Promise<void> {
  const context = createContext(name, json);
  if (json) runningWithJson = name;
  let exitCode: number = EXIT.done;
  let diagnostics: readonly Diagnostic[] = [];
  let result: object | null = null;
  let wasStopped = false;
  try {
    const outcome = await run(context);
    diagnostics = outcome.diagnostics ?? [];
    result = outcome.result;
    exitCode = exitCodeOf(diagnostics);
    context.closeAll();
    if (!json) process.stdout.write(`${outcome.text}\n`);
  } catch (error) {
    context.closeAll();
    if (error instanceof TrainingStopped) {
      wasStopped = true;
      exitCode = context.interrupt.exitCode;
      result = { resume: resumeCommand() };
      diagnostics = [createDiagnostic("cli/stopped", { resume: resumeCommand() })];
    } else if (error instanceof DiagnosticError) {
      diagnostics = error.diagnostics;
      exitCode = exitCodeOf(diagnostics);
    } else if (FILE_SYSTEM_ERRORS.has((error as NodeJS.ErrnoException).code ?? "")) {
      diagnostics = [createDiagnostic("cli/file-system", { problem: (error as Error).message })];
      exitCode = EXIT.environment;
    } else if (error instanceof RangeError && /allocation failed/i.test(error.message)) {
      diagnostics = [createDiagnostic("cli/out-of-memory", { problem: error.message })];
      exitCode = EXIT.environment;
    } else {
      diagnostics = [reportBug(error)];
      exitCode = EXIT.bug;
    }
  }
  runningWithJson = undefined;
  context.interrupt.end();
  if (json) printJson(name, exitCode, diagnostics, result);
  else if (wasStopped) process.stderr.write(`${resumeHint()}\n`);
  else if (exitCode !== EXIT.bug) sayDiagnostics(diagnostics);
  process.exitCode = exitCode;
}

/** Our own bug: says so, and how to report it. Returns what --json says of it. */
function reportBug(error: unknown): Diagnostic {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `noisefloor ${VERSION}: this is a bug in noisefloor, not in your model.\n${text}\n` +
      `Please report it with the model file, the command line and these lines` +
      ` (Node ${process.version}, ${process.platform} ${process.arch}).\n`,
  );
  return createDiagnostic("cli/bug", { problem: error instanceof Error ? error.message : String(error) });
}

// A command is imported when it runs: --help and a wrong option answer at once.
function createCli(): Command {
  const cli = new Command("noisefloor")
    .description("Trains the noise floor of every layer and compiles what stands above it into hardware.")
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError("(--help lists the options)")
    .configureOutput({ outputError: (text, write) => write(text) });
  const add = (name: string, description: string): Command =>
    cli
      .command(name)
      .description(description)
      .option("--json", "print one JSON object on stdout")
      .addOption(new Option("--seed <n>", "seed; goes before the model file's").argParser(integer));
  const out = ["-o, --output <dir>", "build directory (default: build/<model>)"] as const;
  const fresh = ["--fresh", "discard what was trained here before"] as const;
  const force = ["--force", "replace a design that was edited by hand"] as const;
  const without = new Option("--without <back ends>", "leave out c, rtl or both (c,rtl) on purpose");

  const importing = (command: Command): Command =>
    command
      .option(
        "--input-type <type>",
        "stored integers of an imported model, such as u8 (default: what its file states, else s8)",
      )
      .option("--input-scale <x>", "value of one step of them, such as 1/255")
      .option("--input-range <a..b>", "least and greatest value of its input (default: -1..1)")
      .option(
        "--data <files...>",
        "samples for an imported model: inputs, and a second file with labels or targets; .npy, .npz, .json or idx",
      )
      .addOption(
        new Option(
          "--epochs <n>",
          "fine-tune an imported float model (default: calibrate it only)",
        ).argParser(integer),
      );

  add("init [dir]", "make a small working project with its own data").action((dir, options) =>
    execute("init", options.json, async () => (await import("./commands/init.ts")).initCommand(dir, options)),
  );
  importing(add("train [model]", "train weights and noise amplitudes; resumes after a kill"))
    .option(...out)
    .option(...fresh)
    .addOption(
      new Option(
        "--sweep <points>",
        "train 2 to 32 budgets of bit operations instead, from one float phase, and keep their scores in sweep/",
      ).argParser(integer),
    )
    .addOption(
      new Option(
        "--from <kbitops>",
        "first budget of a sweep (default: 1.15 times the least possible)",
      ).argParser(positive),
    )
    .addOption(
      new Option("--to <kbitops>", "last budget of a sweep (default: 8 times the first)").argParser(positive),
    )
    .action((model, options) =>
      execute("train", options.json, async (context) => {
        checkReadable("MODEL", model);
        if (options.sweep !== undefined)
          return (await import("./commands/sweep.ts")).sweepCommand(context, model, options);
        for (const option of ["from", "to"])
          if (options[option] !== undefined)
            fail("cli/bad-option", { option: `--${option}`, problem: "it belongs to --sweep" });
        return (await import("./commands/train.ts")).trainCommand(context, model, options);
      }),
    );
  const targets = TARGETS.map((target) => target.name);
  const onPart = (command: Command): Command =>
    command
      .addOption(
        new Option("--target <name>", "fold the network for this part: the least of it").choices(targets),
      )
      .option("--rate <n>", "with at least so many inferences per second, or max: as many as the part allows")
      .addOption(
        new Option("--interval <cycles>", "with a packet at least every so many cycles").argParser(integer),
      )
      .addOption(new Option("--latency <cycles>", "with an answer within so many cycles").argParser(integer));
  onPart(importing(add("compile [model|dir]", "make integer program, Verilog, C, test bench and manifest")))
    .option(...out)
    .option(...fresh)
    .option(...force)
    .action((model, options) =>
      execute("compile", options.json, async (context) => {
        checkReadable("MODEL", model);
        return (await import("./commands/compile.ts")).compileCommand(context, model, options);
      }),
    );
  add("verify <dir>", "the exactness gate: simulator = C = Verilog, every value")
    .addOption(without)
    .addOption(
      new Option("--rtl-vectors <n>", "real samples through Verilog").argParser(integer).default(1000),
    )
    .option("--netlist <targets>", "also the netlists that synth made, such as ice40-hx8k,xc7")
    .addOption(
      new Option("--netlist-vectors <n>", "real samples through each netlist")
        .argParser(integer)
        .default(100),
    )
    .option("--board <boards>", "also the serial lines of boards that synth made, such as hx8k-evn")
    .addOption(
      new Option("--board-vectors <n>", "real samples over each serial line").argParser(integer).default(20),
    )
    .option(
      "--wave <file>",
      "write a waveform (VCD) of the cycles around the first difference of the Verilog",
    )
    .addOption(new Option("--wave-cycles <n>", "cycles before and after it (default: 64)").argParser(integer))
    .action((dir, options) =>
      execute("verify", options.json, async (context) =>
        (await import("./commands/verify.ts")).verifyCommand(context, dir, options),
      ),
    );
  add(
    "synth <dir>",
    "FPGA flow: area, netlist, Fmax and bitstream where the tools allow, the vendor's project",
  )
    .addOption(
      new Option("--target <name>", "part that the design is made for; a board has one").choices(
        TARGETS.map((target) => target.name),
      ),
    )
    .addOption(
      new Option("--board <name>", "board that all is made for: pins, clock, serial line").choices(
        BOARDS.map((board) => board.name),
      ),
    )
    .addOption(
      new Option(
        "--clock <MHz>",
        "the fastest clock of the board that is not above this (default: the model's)",
      ).argParser(positive),
    )
    .addOption(new Option("--baud <rate>", "of the serial line (default: 1000000)").argParser(integer))
    .option("--force", "replace what was edited by hand in the folder of the target or board")
    .action((dir, options) =>
      execute("synth", options.json, async (context) =>
        (await import("./commands/synth.ts")).synthCommand(context, dir, options),
      ),
    );
  onPart(importing(add("build [model]", "train, compile, verify, report: the main job in one command")))
    .option(...out)
    .option(...fresh)
    .option(...force)
    .addOption(without)
    .addOption(
      new Option("--rtl-vectors <n>", "real samples through Verilog").argParser(integer).default(1000),
    )
    .option("--fit", "where it does not fit the target, train again with fewer bits of weights")
    .action((model, options) =>
      execute("build", options.json, async (context) => {
        checkReadable("MODEL", model);
        return (await import("./commands/build.ts")).buildCommand(context, model, options);
      }),
    );
  onPart(
    add("fold <dir>", "which PE, SIMD and memories a part asks for, and what they take of it, in seconds"),
  )
    .addOption(new Option("--clock <MHz>", "clock (default: that of the design)").argParser(positive))
    .action((dir, options) =>
      execute("fold", options.json, async () =>
        (await import("./commands/fold.ts")).foldCommand(dir, options),
      ),
    );
  add("simulate <dir>", "run the compiled model on an .npy file")
    .addOption(
      new Option(
        "--input <file>",
        "samples, .npy: integers are mantissas, floats are values; NAME=FILE for each of several inputs",
      )
        .argParser(listed)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--output <file>",
        "write an output as .npy; NAME=FILE for each of several outputs",
      ).argParser(listed),
    )
    .addOption(new Option("--backend <name>", "what computes").choices(["sim", "c", "rtl"]).default("sim"))
    .action((dir, options) =>
      execute("simulate", options.json, async () =>
        (await import("./commands/simulate.ts")).simulateCommand(dir, options),
      ),
    );
  add("explain <dir> [layer]", "where each number came from").action((dir, layer, options) =>
    execute("explain", options.json, async () =>
      (await import("./commands/explain.ts")).explainCommand(dir, layer),
    ),
  );
  add(
    "inspect [model]",
    "what a model is: shapes, operators, MACs, parameters, formats; and whether it fits",
  ).action((model, options) =>
    execute("inspect", options.json, async () => {
      checkReadable("MODEL", model);
      return (await import("./commands/inspect.ts")).inspectCommand(model);
    }),
  );
  add("export <dir>", "write the compiled model for other tools: QONNX, integers, golden vectors")
    .option(
      "--format <formats>",
      "qonnx, npz, safetensors, vectors, or some of them (qonnx,npz) (default: all)",
    )
    .option("-o, --output <folder>", "where they go (default: export in the build directory)")
    .addOption(
      new Option("--samples <n>", "test samples that golden vectors are made of")
        .argParser(integer)
        .default(16),
    )
    .action((dir, options) =>
      execute("export", options.json, async (context) =>
        (await import("./commands/export.ts")).exportCommand(context, dir, options),
      ),
    );
  add("doctor", "which external tools and backends were found and work").action((options) =>
    execute("doctor", options.json, async () => (await import("./commands/doctor.ts")).doctorCommand()),
  );
  return cli;
}

/** Runs the command line of `arguments_`, without node and script. Sets the exit code. */
export async function main(arguments_: readonly string[]): Promise<void> {
  // A reader that goes away (| head) is no error; what the command found still counts.
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? process.exitCode : EXIT.environment),
  );
  process.stderr.on("error", () => {
    // Nobody reads what is said; the work goes on.
  });
  const crash = (error: unknown): void => {
    const diagnostic = reportBug(error);
    if (runningWithJson !== undefined) printJson(runningWithJson, EXIT.bug, [diagnostic], null);
    process.exit(EXIT.bug);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  try {
    await createCli().parseAsync(arguments_ as string[], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are no errors; commander has written the text already.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error.exitCode !== 0 && arguments_.includes("--json")) {
      const problem = error.message.replace(/^error: /, "");
      const command = arguments_.find((a) => !a.startsWith("-")) ?? "";
      printJson(command, EXIT.usage, [createDiagnostic("cli/usage", { problem })], null);
    }
  }
}

await main(process.argv.slice(2));
