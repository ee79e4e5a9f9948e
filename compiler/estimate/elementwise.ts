// The bills of the stages that work on one element after the other, and of ports and branches. In: a stage. Out: what it adds to a
// bill, as its fixed module has it.
import {
  channelsOf,
  constantNamed,
  isSigned,
  mantissaRange,
  type Program,
  widthOf,
} from "../program/program.ts";
import { romStyle } from "../schedule/folding.ts";
import type {
  ArgmaxStage,
  ConcatStage,
  CropStage,
  ForkStage,
  InputStage,
  JoinStage,
  LimitStage,
  MeetStage,
  MergeStage,
  OutputStage,
  PadStage,
  RequantizeStage,
  ScaleStage,
  SelectStage,
  TableStage,
  ThresholdStage,
} from "../schedule/stages.ts";
import { counterBits, type GrowingBill, treeLuts } from "./bill.ts";
import { columnsOf } from "./columns.ts";
import { productRule } from "./dense.ts";

export function billInput(bill: GrowingBill, { value, lanes, beats, wordLanes }: InputStage): void {
  const counts = counterBits(beats) + counterBits(wordLanes / lanes);
  bill.add("stage", 1);
  bill.add("counter", counts);
  const slots = wordLanes / lanes;
  bill.add("enable", slots > 1 ? wordLanes * widthOf(value.format) * 0.5 : 0);
  bill.registers(4 + counts + wordLanes * widthOf(value.format));
}

export function billOutput(bill: GrowingBill, { value, second, lanes, beats }: OutputStage): void {
  const width = widthOf(value.format);
  const counts = counterBits(beats + (second ? 1 : 0));
  bill.add("stage", 0.5);
  bill.add("counter", counts);
  if (second) bill.add("choice", lanes * width);
  bill.registers(1 + counts + (counts > 0 ? 1 : 0) + lanes * width);
}

export function billRequantize(bill: GrowingBill, stage: RequantizeStage): void {
  const { instruction, source, result, shifts, lanes, words } = stage;
  const [width, out] = [widthOf(source.format), widthOf(result.format)];
  const { inputs } = bill.part.target.lut;
  bill.add("stage", 0.3);
  bill.registers(1 + lanes * out);
  if (shifts.length === 1) {
    const right = Math.min(Math.max(shifts[0]!, 0), width + 1);
    const kept = width + 1 - right;
    const rounds = right > 0 && instruction.rounding !== "truncate";
    if (rounds) bill.add("adder", lanes * Math.max(kept, 0));
    // Bits above the result say whether it is cut.
    const above = Math.max(kept - out + 1, 0);
    bill.add("detection", lanes * treeLuts(above, inputs));
    bill.add("saturation", lanes * out);
    return;
  }
  const channels = shifts.length;
  const most = Math.max(...shifts);
  const left = Math.max(0, -Math.min(...shifts));
  const bits = Math.max(1, Math.ceil(Math.log2(most + left + 1)));
  const depth = Math.max(1, Math.min(words, Math.ceil(channels / lanes)));
  const shiftAt = (word: number, lane: number): number => shifts[(word * lanes + lane) % channels]! + left;
  billBeatRom(bill, words, depth, lanes * bits, columnsOf(depth, lanes, bits, shiftAt));
  const frame = Math.max(width + 2 + left, out + 2);
  bill.add("adder", lanes * frame);
  bill.add("choice", lanes * frame * bits);
  bill.add("saturation", lanes * out);
  bill.add("detection", lanes * treeLuts(frame - out, inputs));
  bill.registers(1 + lanes * (frame + bits));
}

/** Constants that are read in step with the beats. */
function billBeatRom(
  bill: GrowingBill,
  beats: number,
  depth: number,
  width: number,
  columns: ReturnType<typeof columnsOf>,
): void {
  bill.memory(
    { words: depth, width, access: "rom", registered: true, style: romStyle(depth, width) },
    columns,
  );
  const counts = counterBits(depth) + (depth > 1 ? counterBits(beats) : 0);
  bill.add("counter", counts);
  bill.registers(counts);
}

export function billThreshold(bill: GrowingBill, program: Program, stage: ThresholdStage): void {
  const { instruction, source, result, lanes, words } = stage;
  const table = constantNamed(program, instruction.thresholds);
  const levels = table.shape[1]!;
  const { min, max } = mantissaRange(source.format);
  const data = table.data.map((t) => Math.min(Math.max(t, min), max + 1));
  const width = widthOf(source.format) + (data.some((t) => t > max) ? 1 : 0);
  const channels = channelsOf(source);
  const same = data.every((t, i) => t === data[i % levels]);
  const depth = same ? 1 : Math.min(words, Math.max(1, Math.ceil(channels / lanes)));
  const thresholdAt = (word: number, lane: number): number => {
    const channel = (word * lanes + Math.floor(lane / levels)) % channels;
    return data[channel * levels + (lane % levels)]!;
  };
  const columns = columnsOf(depth, lanes * levels, width, thresholdAt);
  billBeatRom(bill, words, depth, lanes * levels * width, columns);
  const out = widthOf(result.format);
  bill.add("stage", 0.3);
  bill.add(depth > 1 ? "comparison" : "saturation", lanes * levels * width);
  bill.add("state", lanes * (levels > 1 ? 2 * (levels - 1) : 0));
  bill.registers(2 + lanes * (levels + out));
}

export function billLimit(bill: GrowingBill, { result, lanes }: LimitStage): void {
  bill.add("stage", 0.3);
  bill.add("saturation", 2 * lanes * widthOf(result.format));
  bill.registers(1 + lanes * widthOf(result.format));
}

export function billTable(bill: GrowingBill, program: Program, stage: TableStage): void {
  const { instruction, lanes } = stage;
  const { data, format } = constantNamed(program, instruction.table);
  const width = widthOf(format);
  bill.add("stage", 0.3);
  const columns = columnsOf(data.length, 1, width, (word) => data[word]!);
  for (let lane = 0; lane < lanes; lane++)
    bill.memory(
      { words: data.length, width, access: "rom", registered: true, style: romStyle(data.length, width) },
      columns,
    );
  bill.registers(2 + lanes * width);
}

export function billScale(bill: GrowingBill, program: Program, stage: ScaleStage): void {
  const { instruction, source, result, lanes, words } = stage;
  const factors = constantNamed(program, instruction.multipliers);
  const m = widthOf(factors.format) + (isSigned(factors.format) ? 0 : 1);
  const out = widthOf(result.format);
  const x = widthOf(source.format) + (isSigned(source.format) ? 0 : 1);
  const depth = Math.max(1, Math.min(words, Math.ceil(channelsOf(source) / lanes)));
  billBeatRom(bill, words, depth, lanes * (m + out), null);
  const rule = productRule([x, m], out, bill.part.mapping);
  if (rule) bill.dsp(lanes * rule.blocks);
  else {
    bill.add("partialProduct", lanes * (Math.max(x, m) - 1) * Math.max(Math.min(x, m) - 2, 0));
    bill.add("productEdge", lanes * (x + m));
  }
  bill.add("stage", 0.3);
  bill.add("adder", lanes * out);
  bill.registers(2 + 2 * lanes * out);
}

export function billSelect(bill: GrowingBill, stage: SelectStage): void {
  const { source, lanes, beats, wordLanes, words } = stage;
  const width = widthOf(source.format);
  billBeatRom(bill, beats, beats, lanes, null);
  bill.add("stage", 1);
  bill.add("choice", wordLanes * width * Math.max(1, lanes));
  bill.add("counter", counterBits(words) + counterBits(wordLanes));
  bill.registers(4 + 2 * wordLanes * width + counterBits(words) + counterBits(wordLanes));
}

export function billFork(bill: GrowingBill, { value, count, lanes }: ForkStage): void {
  bill.add("stage", 0.2 * count);
  bill.registers(count + lanes * widthOf(value.format));
}

export function billJoin(bill: GrowingBill, stage: JoinStage): void {
  const { instruction, sources, result, lanes } = stage;
  const out = widthOf(result.format);
  const [a, b] = sources.map((s) => widthOf(s.format) + (isSigned(s.format) ? 0 : 1)) as [number, number];
  bill.add("stage", 0.4);
  if (instruction.op === "multiply") {
    const rule = productRule([a, b], out, bill.part.mapping);
    if (rule) bill.dsp(lanes * rule.blocks);
    else {
      bill.add("partialProduct", lanes * (Math.max(a, b) - 1) * Math.max(Math.min(a, b) - 2, 0));
      bill.add("productEdge", lanes * (a + b));
    }
  } else bill.add("adder", lanes * out);
  bill.registers(2 + lanes * (out + widthOf(sources[0].format) + widthOf(sources[1].format)));
}

export function billConcat(bill: GrowingBill, { result, lanes, beats }: ConcatStage): void {
  const width = lanes * widthOf(result.format);
  bill.add("stage", 0.4);
  bill.add("counter", counterBits(beats[0] + beats[1]));
  bill.add("choice", width);
  bill.registers(1 + width + counterBits(beats[0] + beats[1]));
}

export function billMerge(bill: GrowingBill, { result, count, parts }: MergeStage): void {
  bill.add("stage", 0.3);
  bill.registers(1 + count * (parts[0] + parts[1]) * widthOf(result.format));
}

/** Three counters that say which words of an image lie in a box, and a register where words are put in. */
export function billBox(bill: GrowingBill, stage: CropStage | PadStage): void {
  const { result, lanes, size } = stage;
  const counts = size.reduce((sum, n) => sum + counterBits(n) + 1, 0);
  const width = lanes * widthOf(result.format);
  bill.add("stage", 1);
  bill.add("counter", 2 * counts);
  bill.registers(counts + 1 + width);
  if (stage.kind === "pad") bill.add("choice", width);
}

export function billMeet(bill: GrowingBill, { streams }: MeetStage): void {
  for (const { value, lanes, words } of streams) {
    bill.add("stage", 0.5);
    bill.add("counter", counterBits(words));
    bill.registers(2 + counterBits(words) + lanes * widthOf(value.format));
  }
}

export function billArgmax(bill: GrowingBill, stage: ArgmaxStage): void {
  const { source, result, side, elements, lanes, beats } = stage;
  const key = widthOf(source.format) + (elements % lanes === 0 ? 0 : 1);
  const index = widthOf(result.format);
  const compares = lanes - 1 + (beats > 1 ? 1 : 0);
  bill.add("stage", 0.5);
  bill.add("counter", beats > 1 ? counterBits(beats) + index : 0);
  bill.add("comparison", side * compares * key);
  bill.add("choice", side * (lanes - 1) * (key + index));
  bill.registers(2 + (beats > 1 ? 2 + counterBits(beats) + index : 0));
  bill.registers(side * (beats > 1 ? 2 : 1) * (key + index));
}
