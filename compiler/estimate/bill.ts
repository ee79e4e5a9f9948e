// The bill of a stage while it is made out: amounts of logic by what they are, registers, blocks.
import type { Mapping } from "../targets/mapping.ts";
import type { Target } from "../targets/target.ts";
import { chooseMemory, type Memory, type MemoryChoice } from "./memories.ts";

/** What logic is made of. Each has a coefficient of its own for every family: look-up tables for one of it. */
export const LOGIC = [
  "stage",
  "counter",
  "state",
  "adder",
  "accumulator",
  "start",
  "partialProduct",
  "productEdge",
  "negation",
  "agreement",
  "choice",
  "comparison",
  "detection",
  "saturation",
  "enable",
  "romColumn",
  "romLeaf",
  "rotation",
  "windowCount",
  "windowAddress",
  "windowPlace",
  "bypass",
  "blockRows",
] as const;

export type LogicName = (typeof LOGIC)[number];

export interface Bill {
  readonly logic: Readonly<Record<LogicName, number>>;
  /** Look-up tables that serve as memory, which are counted and not estimated. */
  readonly lutRam: number;
  readonly registers: number;
  readonly dsp: number;
  readonly bram: number;
}

export interface Part {
  readonly target: Target;
  readonly mapping: Mapping;
}

export interface GrowingBill {
  readonly part: Part;
  add(name: LogicName, amount: number): void;
  registers(count: number): void;
  dsp(blocks: number): void;
  /** A memory, with what has to stand around it. Content as columns: how many differ, and of how many inputs each is. */
  memory(memory: Memory, columns: Columns | null): MemoryChoice;
  finish(): Bill;
}

/** Bits of the words of a memory that is never written, without those that are constant or repeat another one. */
export interface Columns {
  readonly distinct: number;
  /** Of these, those that are more than a wire from the address. */
  readonly functions: number;
}

/** Bits of a counter up to `count` - 1; none where it stands still. */
export function counterBits(count: number): number {
  return count > 1 ? Math.ceil(Math.log2(count)) : 0;
}

/** Look-up tables of `inputs` inputs for one function of `n` inputs that has no structure worse than a tree. */
export function treeLuts(n: number, inputs: number): number {
  return n <= 1 ? 0 : Math.ceil((n - 1) / (inputs - 1));
}

/** Look-up tables for one bit of a choice among `n`. */
export function choiceLuts(n: number, inputs: number): number {
  if (n <= 1) return 0;
  // Four inputs hold a choice of two, six one of four.
  return inputs >= 6 ? (n <= 4 ? 1 : (n - 1) / 3) : n - 1;
}

export function createBill(part: Part): GrowingBill {
  const logic = Object.fromEntries(LOGIC.map((name) => [name, 0])) as Record<LogicName, number>;
  let [registers, dsp, bram, lutRam] = [0, 0, 0, 0];
  const { inputs } = part.target.lut;
  const add = (name: LogicName, amount: number): void => {
    logic[name] += amount;
  };
  return {
    part,
    add,
    registers: (count) => {
      registers += count;
    },
    dsp: (blocks) => {
      dsp += blocks;
    },
    memory: (memory, columns) => {
      const choice = chooseMemory(memory, part.mapping);
      const { words, width, access, registered } = memory;
      const addressBits = counterBits(words);
      if (choice.kind) {
        bram += choice.units * (choice.kind.takes.bram ?? 0);
        lutRam += choice.units * (choice.kind.takes.lut ?? 0);
        add("blockRows", (choice.rows - 1) * width);
        if (choice.kind.kind === "distributed" && registered) registers += width;
        // What is written while it is read goes round the block.
        if (access === "ram" && choice.kind.kind === "block" && choice.kind.extra.ram > 1) {
          add("bypass", width);
          add("state", addressBits);
          registers += 2 * width + addressBits + 2;
        }
        return choice;
      }
      if (access === "ram") {
        registers += words * width + (registered ? width : 0);
        add("choice", width * choiceLuts(words, inputs));
        add("enable", words);
        return choice;
      }
      const { distinct, functions } = columns ?? { distinct: width, functions: width };
      if (registered) registers += distinct;
      if (addressBits <= inputs) add("romColumn", functions);
      else add("romLeaf", (functions * words) / 2 ** inputs);
      return choice;
    },
    finish: () => ({ logic, lutRam, registers, dsp, bram }),
  };
}
