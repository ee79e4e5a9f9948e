// program.json under the fuzzer: through schema and verifier, and what passes through the simulator, whose values have to keep
// the ranges that were proved.
import { provedRanges } from "../../program/bounds.ts";
import { printProgram } from "../../program/print.ts";
import { elementsOf, type Program, valueNamed } from "../../program/program.ts";
import { readProgram } from "../../program/read.ts";
import { simulate } from "../../sim/simulate.ts";
import type { RandomStream } from "../../support/random.ts";
import { encodeUtf8 } from "../../support/text.ts";
import { randomBranchingProgram, randomInputs } from "../unit/program/random-branching.ts";
import { changedJson, changedText, damagedBytes, jsonText, madeUpBytes, STRANGE_NAMES } from "./damage.ts";
import { type FuzzReader, holds, once, pick } from "./fuzz-reader.ts";

const PROGRAMS = 60;
/** Elements of all values, and products, up to which a program is run. */
const MOST_WORK = 200_000;
const VALUES: readonly unknown[] = [
  ...[
    "dense",
    "conv",
    "requantize",
    "pool",
    "table",
    "scale",
    "concat",
    "argmax",
    "relu",
    "max",
    "half-even",
    "x",
  ],
  ...STRANGE_NAMES,
  ...[null, true, [], {}, [1], [1, 1], [2, 3, 4], [[1]], 1e9, 0.5],
  { kind: "int", signed: true, width: 8, fraction: 0 },
  { kind: "bipolar", fraction: 0 },
  { before: [1, 1], after: [0, 0] },
];

/** Elements that an instruction reads for one of its result. */
function readingsOf(program: Program, instruction: Program["instructions"][number]): number {
  if (instruction.op === "pool") return elementsOf(instruction.window);
  if (instruction.op !== "dense" && instruction.op !== "conv") return 1;
  const weights = program.constants.find(({ name }) => name === instruction.weights)!;
  return weights.data.length / weights.shape[0]!;
}

function workOf(program: Program): number {
  return (
    program.values.reduce((sum, { shape }) => sum + elementsOf(shape), 0) +
    program.instructions.reduce(
      (sum, i) => sum + elementsOf(valueNamed(program, i.result).shape) * readingsOf(program, i),
      0,
    )
  );
}

interface Formatted {
  readonly format: { width?: number; fraction: unknown };
}

interface ProgramText {
  readonly constants: readonly (Formatted & { readonly data: number[] })[];
  readonly values: readonly (Formatted & { readonly shape: number[] })[];
  readonly instructions: Record<string, unknown>[];
}

/** One number or wish of a program changed a little: what the verifier, not the schema, has to tell. */
function nudged(data: unknown, random: RandomStream): unknown {
  const copy = structuredClone(data) as ProgramText;
  const { format } = pick<Formatted>(
    random,
    random.integer(0, 1) && copy.constants.length > 0 ? copy.constants : copy.values,
  );
  const instruction = pick(random, copy.instructions);
  const step = pick(random, [-1, 1]);
  switch (random.integer(0, 5)) {
    case 0:
    case 1: {
      if (copy.constants.length === 0) break;
      const { data: numbers } = pick(random, copy.constants);
      numbers[random.integer(0, numbers.length - 1)]! += step;
      break;
    }
    case 2:
      if (format.width !== undefined) format.width += step;
      break;
    case 3:
      if (typeof format.fraction === "number") format.fraction += step;
      break;
    case 4: {
      const key = pick(random, Object.keys(instruction));
      const value = instruction[key];
      if (typeof value === "number") instruction[key] = value + step;
      else if (Array.isArray(value) && typeof value[0] === "number") value[0] += step;
      else if (key === "rounding") instruction[key] = pick(random, ["half-up", "truncate", "half-even"]);
      else if (key === "limit") instruction[key] = random.integer(0, 3);
      break;
    }
    default: {
      const { shape } = pick(random, copy.values);
      shape[random.integer(0, shape.length - 1)]! += step;
    }
  }
  return copy;
}

function run(program: Program): void {
  const { values } = simulate(program, randomInputs(program, 1, 1), 1);
  for (const [name, { min, max }] of provedRanges(program)) {
    const found = values.get(name)!;
    const wrong = found.find((m) => !(Number.isSafeInteger(m) && min <= m && m <= max));
    holds(wrong === undefined, () => `${name} holds ${wrong}, which is not within ${min}..${max}`);
  }
}

export const PROGRAM_READER: FuzzReader = {
  name: "program.json",
  share: 100,
  prepare: once(() => {
    const sound = Array.from({ length: PROGRAMS }, (_, seed) =>
      encodeUtf8(
        printProgram(
          randomBranchingProgram(seed, {
            instructions: 3 + (seed % 6),
            size: 4,
            channels: 3,
            elements: 60,
            width: 5,
          }),
        ),
      ),
    );
    const data = sound.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown);
    const changed = (random: RandomStream): Uint8Array =>
      encodeUtf8(jsonText(changedJson(pick(random, data), VALUES, random)));
    return {
      sound,
      kinds: [
        (random) => damagedBytes(pick(random, sound), random),
        (random) => changedText(pick(random, sound), STRANGE_NAMES, random),
        changed,
        changed,
        (random) => encodeUtf8(jsonText(nudged(pick(random, data), random))),
        (random) => encodeUtf8(jsonText(nudged(pick(random, data), random))),
        (random) => madeUpBytes(pick(random, sound), random),
      ],
    };
  }),
  read(bytes) {
    const program = readProgram(new TextDecoder().decode(bytes), "fuzz.json");
    if (workOf(program) <= MOST_WORK) run(program);
  },
};
