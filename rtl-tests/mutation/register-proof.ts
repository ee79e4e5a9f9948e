// Whether a register matters at all. In: a fixed module, its parameters, a register. Out: why it does not, proved by Yosys for every
// input and every state: neither an output nor the next state of any other register depends on it. Registers that are 0 after a
// reset and stay 0 count as 0, which is proved first.
import { runYosys } from "@yowasp/yosys";
import type { Parameters } from "../harness/instances.ts";

/** Bits of registers and memories, beyond which nothing is tried. */
const MOST_BITS = 20_000;
/** Bits of a register that is looked at for always being 0. */
const NARROW = 8;

interface Port {
  readonly direction: "input" | "output";
  readonly bits: readonly unknown[];
}

/** Undefined where there is no proof: the register matters, or the module reads a memory image or is too large. */
export async function registerProof(
  module: string,
  text: string,
  parameters: Parameters,
  register: string,
): Promise<string | undefined> {
  // The contents of a memory image would have to be part of the proof.
  if (/\$readmemh/.test(text)) return undefined;
  const size = ["WIDTH", "LANES", "TAPS"].reduce((bits, name) => bits * Number(parameters[name] ?? 1), 1);
  const words = Math.max(
    ...["WORDS", "DEPTH", "CAPACITY", "ELEMENTS"].map((name) => Number(parameters[name] ?? 1)),
  );
  if (2 * size * words > MOST_BITS) return undefined;
  const settings = Object.entries(parameters)
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `-set ${name} ${value}`);
  const step = await yosys(
    [
      "read_verilog m.v",
      `chparam ${settings.join(" ")} ${module}`,
      `hierarchy -top ${module}`,
      "proc",
      "flatten",
      "memory_map",
      "opt_clean",
      "expose -evert-dff",
      `rename ${module} step`,
      "write_verilog -noattr step.v",
      "write_json step.json",
    ],
    { "m.v": text },
    ["step.v", "step.json"],
  );
  if (!step) return undefined;
  const { ports } = (
    JSON.parse(step["step.json"]!) as { modules: Record<string, { ports: Record<string, Port> }> }
  ).modules.step!;
  const head = text.slice(0, text.indexOf(");\n", text.indexOf("\n) (")));
  const outputs = Object.keys(ports).filter((name) =>
    new RegExp(`^ *output\\b.*\\b${name}\\b`, "m").test(head),
  );
  const registers = Object.keys(ports)
    .filter((name) => name.endsWith(".q") && ports[name]!.direction === "input")
    .map((name) => name.slice(0, -2))
    .filter((name) => ports[`${name}.d`]?.direction === "output");
  if (!registers.includes(register)) return undefined;

  const narrow = registers.filter((name) => name !== register && ports[`${name}.d`]!.bits.length <= NARROW);
  const zero = await provedZero(step["step.v"]!, ports, narrow);
  const compared = [...outputs, ...registers.filter((name) => name !== register).map((name) => `${name}.d`)];
  const miter = miterText(ports, register, zero, compared);
  const log = await yosys(
    [
      "read_verilog step.v",
      "read_verilog miter.v",
      "hierarchy -top miter",
      "proc",
      "flatten",
      "opt_clean",
      "tee -o log.txt sat -prove same 1",
    ],
    { "step.v": step["step.v"]!, "miter.v": miter },
    ["log.txt"],
  );
  return isProved(log?.["log.txt"])
    ? `no output and no other register of ${module} depends on ${register}, by SAT`
    : undefined;
}

const isProved = (log: string | undefined): boolean => log?.includes("no model found: SUCCESS") === true;
const escaped = (name: string): string => `\\${name} `;
const range = (port: Port): string => `[${port.bits.length - 1}:0]`;
const inputsOf = (ports: Record<string, Port>): readonly string[] =>
  Object.keys(ports).filter((name) => ports[name]!.direction === "input");

/** Registers that a reset sets to 0 and that go from 0 to 0 only. */
async function provedZero(
  step: string,
  ports: Record<string, Port>,
  registers: readonly string[],
): Promise<ReadonlySet<string>> {
  if (registers.length === 0) return new Set();
  const inputs = inputsOf(ports);
  const text = [
    `module zero(${[...inputs.map(escaped), ...registers.map((_, k) => `ok_${k}`)].join(", ")});`,
    ...inputs.map((name) => `  input ${range(ports[name]!)} ${escaped(name)};`),
    ...registers.map((name, k) => `  output ok_${k}; wire ${range(ports[`${name}.d`]!)} next_${k};`),
    "  step one (",
    [
      ...inputs.map((name) => `    .${escaped(name)}(${escaped(name)})`),
      ...registers.map((name, k) => `    .${escaped(`${name}.d`)}(next_${k})`),
    ].join(",\n"),
    "  );",
    ...registers.map(
      (name, k) => `  assign ok_${k} = (aresetn && |${escaped(`${name}.q`)}) || next_${k} == 0;`,
    ),
    "endmodule",
  ].join("\n");
  const made = await yosys(
    [
      "read_verilog step.v",
      "read_verilog zero.v",
      "hierarchy -top zero",
      "proc",
      "flatten",
      "opt_clean",
      ...registers.map((_, k) => `tee -o log_${k}.txt sat -prove ok_${k} 1`),
    ],
    { "step.v": step, "zero.v": text },
    registers.map((_, k) => `log_${k}.txt`),
  );
  return new Set(registers.filter((_, k) => isProved(made?.[`log_${k}.txt`])));
}

/** Two steps from the same state but for one register. */
function miterText(
  ports: Record<string, Port>,
  register: string,
  zero: ReadonlySet<string>,
  compared: readonly string[],
): string {
  const own = `${register}.q`;
  const inputs = inputsOf(ports).filter((name) => name !== own);
  const instance = (copy: string): string =>
    [
      `  step ${copy} (`,
      [
        ...inputs.map((name) => {
          const isZero = name.endsWith(".q") && zero.has(name.slice(0, -2));
          return `    .${escaped(name)}(${isZero ? `${ports[name]!.bits.length}'d0` : escaped(name)})`;
        }),
        `    .${escaped(own)}(own_${copy})`,
        ...compared.map((name, k) => `    .${escaped(name)}(${copy}_${k})`),
      ].join(",\n"),
      "  );",
    ].join("\n");
  return [
    `module miter(${[...inputs.map(escaped), "own_a", "own_b", "same"].join(", ")});`,
    ...inputs.map((name) => `  input ${range(ports[name]!)} ${escaped(name)};`),
    `  input ${range(ports[own]!)} own_a, own_b;`,
    "  output same;",
    ...compared.flatMap((name, k) => [`  wire ${range(ports[name]!)} a_${k}, b_${k};`]),
    instance("a"),
    instance("b"),
    `  assign same = ${compared.map((_, k) => `a_${k} == b_${k}`).join(" && ")};`,
    "endmodule",
  ].join("\n");
}

/** Files that a script makes; undefined when Yosys refuses it. */
async function yosys(
  script: readonly string[],
  files: Record<string, string>,
  wanted: readonly string[],
): Promise<Record<string, string> | undefined> {
  try {
    const made = (await runYosys(
      ["-q", "-s", "run.ys"],
      { ...files, "run.ys": script.join("\n") },
      { stdout: null, stderr: null },
    )) as Record<string, string | Uint8Array>;
    return Object.fromEntries(
      wanted.map((name) => {
        const content = made[name]!;
        return [name, typeof content === "string" ? content : new TextDecoder().decode(content)];
      }),
    );
  } catch {
    return undefined;
  }
}
