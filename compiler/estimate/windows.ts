// The bills of the stages that store and count: windows, line windows, lane adapters, FIFOs, pools. In: a stage. Out: what it adds
// to a bill, as its fixed module has it.
import { isSigned, widthOf } from "../program/program.ts";
import type { AdapterStage, FifoStage, LineWindowStage, PoolStage, WindowStage } from "../schedule/stages.ts";
import { beatsOfPool } from "../schedule/stages.ts";
import { choiceLuts, counterBits, type GrowingBill } from "./bill.ts";

export function billWindow(
  bill: GrowingBill,
  { value, lanes, words, replays, storage: style = "auto" }: WindowStage,
): void {
  const width = lanes * widthOf(value.format);
  bill.memory({ words: 2 * words, width, access: "ram", registered: true, style }, null);
  const counts = 2 * counterBits(words) + counterBits(replays);
  bill.add("stage", 1);
  bill.add("counter", counts);
  if (words > 1) bill.add("adder", 2 * counterBits(2 * words));
  bill.registers(5 + counts);
}

export function billFifo(
  bill: GrowingBill,
  { value, lanes, depth, storage: style = "auto" }: FifoStage,
): void {
  const width = lanes * widthOf(value.format);
  bill.memory({ words: depth, width, access: "ram", registered: true, style }, null);
  const counts = 2 * counterBits(depth) + counterBits(depth + 1);
  bill.add("stage", 1);
  bill.add("counter", counts + counterBits(depth + 1));
  bill.registers(1 + counts);
}

export function billAdapter(
  bill: GrowingBill,
  { value, elements, sLanes, mLanes, group, passes }: AdapterStage,
): void {
  const width = widthOf(value.format);
  const [sSlots, mSlots] = [Math.ceil(group / sLanes), Math.ceil(group / mLanes)];
  const levels = Math.ceil(Math.log2(group + sLanes + mLanes)) + 1;
  const beats = [Math.ceil(elements / sLanes), Math.ceil(elements / mLanes)] as const;
  const counts = [...beats, sSlots, mSlots].reduce((sum, n) => sum + counterBits(n), 0);
  const { inputs } = bill.part.target.lut;
  bill.add("stage", passes > 0 ? 1 : 0);
  bill.add("counter", counts + 2 * levels);
  bill.add("comparison", levels);
  bill.add("choice", mLanes * width * choiceLuts(2 * mSlots, inputs));
  bill.add("enable", 2 * sSlots);
  const tail = elements - (beats[1] - 1) * mLanes;
  bill.add("enable", (mLanes - tail) * width);
  bill.registers(4 + counts + 2 * (levels - 1) + 2 * sSlots * sLanes * width);
}

/** Bits of a signed count of words in nf_line_window. */
export function countBits({ geometry, capacity }: LineWindowStage): number {
  const { size, words, outSize, kernel, strides, dilations, spread, before } = geometry;
  const row = size[1] * words;
  const most = (a: 0 | 1): number =>
    Math.floor(((outSize[a] - 1) * strides[a] + (kernel[a] - 1) * dilations[a] + before[a]) / spread[a]) + 3;
  return counterBits(most(0) * row + most(1) * words + 2 * size[0] * row + capacity) + 1;
}

export function billLineWindow(bill: GrowingBill, stage: LineWindowStage): void {
  const { source, lanes, geometry, capacity, banks, stored, storage: style = "auto" } = stage;
  const { size, words, outSize, kernel, strides, dilations, spread, before, outer, replays, taps, columns } =
    geometry;
  const width = lanes * widthOf(source.format);
  const extent = [(kernel[0] - 1) * dilations[0], (kernel[1] - 1) * dilations[1]];
  const count = countBits(stage);
  const both: readonly (0 | 1)[] = [0, 1];
  const axes = both.filter((a) => outSize[a] > 1 || kernel[a] > 1);
  const placeBits = axes.reduce<number>(
    (sum, a) =>
      sum +
      counterBits(
        (outSize[a] - 1) * strides[a] +
          extent[a]! +
          before[a] +
          size[a] * spread[a] +
          strides[a] +
          dilations[a],
      ) +
      1,
    0,
  );
  const indices = counterBits(outSize[0]) + counterBits(outSize[1]);
  const turns = counterBits(replays) + counterBits(outer);
  bill.add("stage", 2);
  bill.add("windowCount", count * (1 + axes.length));
  bill.add("windowPlace", placeBits * (before[0] + before[1] > 0 ? 2 : 1));
  bill.add("counter", indices + turns);
  bill.registers(count * (3 + axes.length) + indices + turns + 5 + 2 * placeBits);
  bill.registers(taps * (width + 3));
  bill.add("choice", taps * width * (before[0] + before[1] > 0 ? 1 : 0.2));
  if (taps === 1 && columns === 1) {
    const address = counterBits(capacity);
    const tapBits = counterBits(kernel[0]) + counterBits(kernel[1]) + counterBits(words / outer);
    bill.memory({ words: capacity, width, access: "ram", registered: true, style }, null);
    bill.add("windowAddress", address);
    bill.add("counter", tapBits + address);
    bill.registers(5 * address + tapBits);
    return;
  }
  const [rows, across] = banks;
  const each = stored / (rows * across);
  const address = counterBits(each);
  for (let bank = 0; bank < rows * across; bank++)
    bill.memory({ words: each, width, access: "ram", registered: true, style }, null);
  const beats = Math.ceil((kernel[0] * kernel[1]) / taps);
  const turned = Math.ceil(Math.log2(Math.max(rows, 2))) + Math.ceil(Math.log2(Math.max(across, 2)));
  bill.add("rotation", rows * across * width * turned);
  bill.add("windowAddress", address * (1 + rows * across * 0.6));
  bill.add("choice", taps * width * choiceLuts(beats, bill.part.target.lut.inputs));
  bill.add("counter", counterBits(beats));
  bill.registers(3 * address + 2 * counterBits(beats) + 4 * (counterBits(rows) + counterBits(across)));
}

export function billPool(bill: GrowingBill, stage: PoolStage, sumWidth: number): void {
  const { instruction, result, taps, side, windows, whole, lanes, words } = stage;
  const width = widthOf(result.format);
  const average = instruction.kind === "average";
  const beats = beatsOfPool(stage);
  const turns = whole ? words : 1;
  const part = average ? sumWidth : width;
  bill.add("stage", 1);
  bill.add("counter", counterBits(beats) + counterBits(turns));
  bill.registers(1 + counterBits(beats) + counterBits(turns));
  if (side > 1) {
    bill.add(average ? "adder" : "comparison", lanes * (side - 1) * part);
    if (!average) bill.add("choice", lanes * (side - 1) * part);
    bill.registers(lanes * part + windows + 1);
  }
  if (turns > 1)
    bill.memory({ words: turns, width: lanes * part, access: "ram", registered: false, style: "auto" }, null);
  if (average) {
    bill.add("accumulator", lanes * sumWidth);
    bill.registers(2 + lanes * (sumWidth + sumWidth + width));
    // Averages of a power of two are shifts.
    const isShift = Number.isInteger(Math.log2(taps));
    bill.add("adder", lanes * sumWidth * (isShift ? 1 : 4));
    return;
  }
  bill.add("comparison", lanes * width);
  bill.add("choice", lanes * width);
  bill.add("state", isSigned(result.format) ? lanes : 0);
  bill.registers(windows + lanes * width);
}
