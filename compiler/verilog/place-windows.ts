// The stages that move a window over an image: line window, pool; the box of a slice and a pad. In: a draft, the stage and the
// stream before it. Out: the stream behind it, with banner, wires, instance and tap in the draft.
import { isSigned, mantissaRange, widthOf } from "../program/program.ts";
import {
  beatsOfPool,
  busyCycles,
  type CropStage,
  type LineWindowStage,
  type PadStage,
  type PoolStage,
  type WindowSplit,
} from "../schedule/stages.ts";
import { compilerAssert } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import { exactDivision } from "../support/division.ts";
import { widthOfRange } from "../support/fixed-point.ts";
import {
  CLOCK,
  countText,
  type Draft,
  flag,
  formatText,
  layerStem,
  place,
  ramStyle,
  type Stream,
  section,
  sink,
  source,
  stream,
  tap,
  wire,
} from "./draft.ts";

const sizeText = (sizes: readonly number[]): string => sizes.join(" x ");

/** Parameters of nf_line_window for elements of `width` bits. */
export function lineWindowParameters(
  {
    lanes,
    geometry,
    capacity,
    banks,
    pad,
  }: Pick<LineWindowStage, "lanes" | "geometry" | "capacity" | "banks" | "pad">,
  width: number,
): Readonly<Record<string, number>> {
  const { size, outSize, kernel, strides, dilations, spread, before } = geometry;
  return {
    LANES: lanes,
    WIDTH: width,
    ROWS: size[0],
    COLUMNS: size[1],
    WORDS: geometry.words,
    OUT_ROWS: outSize[0],
    OUT_COLUMNS: outSize[1],
    KERNEL_Y: kernel[0],
    KERNEL_X: kernel[1],
    STRIDE_Y: strides[0],
    STRIDE_X: strides[1],
    DILATION_Y: dilations[0],
    DILATION_X: dilations[1],
    SPREAD_Y: spread[0],
    SPREAD_X: spread[1],
    BEFORE_Y: before[0],
    BEFORE_X: before[1],
    REPEAT: flag(geometry.repeat),
    PAD: pad,
    OUTER: geometry.outer,
    REPLAYS: geometry.replays,
    TAPS: geometry.taps,
    ...(geometry.columns > 1 ? { S_COLUMNS: geometry.columns } : {}),
    BANKS_Y: banks[0],
    BANKS_X: banks[1],
    CAPACITY: capacity,
  };
}

export function placeLineWindow(draft: Draft, stage: LineWindowStage, before: Stream): Stream {
  const { instruction, source: x, lanes, geometry, capacity, banks, stored, copies } = stage;
  const { size, words, outSize, kernel, spread, replays, taps, columns } = geometry;
  const { layer, op } = instruction;
  const stem = layerStem(layer);
  const upsample = op === "upsample";
  const times = replays === 1 ? "once" : `${replays} times`;
  const memories = banks[0] * banks[1] > 1 ? ` in ${sizeText(banks)} memories, ${taps} at a time` : "";
  const entering = columns > 1 ? `, ${columns} positions at once` : "";
  section(
    draft,
    upsample
      ? `Layer ${commentText(layer)}: repeats each of ${sizeText(size)} positions ${sizeText([spread[0], spread[1] * copies])} times`
      : `Layer ${commentText(layer)}: windows of ${sizeText(kernel)} at ${sizeText(outSize)} positions of ${sizeText(size)}${entering}, ` +
          `${countText(capacity, "word")} of ${lanes} x ${formatText(x)}${memories}, read ${times}`,
  );
  const result = stream(
    draft,
    upsample ? `${stem}_repeated` : `${stem}_windows`,
    taps * lanes * copies,
    before.width,
  );
  const inside = draft.names.take(`${result.stem}_${op === "pool" ? "" : "unused_"}inside`);
  wire(draft, inside, taps);
  const data = copies > 1 ? draft.names.take(`${result.stem}_once`) : `${result.stem}_data`;
  if (copies > 1) wire(draft, data, taps * lanes * before.width);
  place(
    draft,
    "nf_line_window",
    `${stem}_lines`,
    { ...lineWindowParameters(stage, before.width), ...ramStyle(stage) },
    {
      ...CLOCK,
      ...sink(before),
      m_data: data,
      m_inside: inside,
      m_valid: `${result.stem}_valid`,
      m_ready: `${result.stem}_ready`,
    },
    {
      layer,
      op: upsample ? "upsample" : "window",
      pe: lanes,
      simd: taps,
      cycles: busyCycles(stage),
      storedElements: stored * lanes,
    },
  );
  if (copies > 1)
    place(
      draft,
      "nf_repeat",
      `${stem}_columns`,
      { WIDTH: lanes * before.width, COUNT: taps, TIMES: copies },
      { s_data: data, m_data: `${result.stem}_data` },
      null,
    );
  if (upsample) {
    const y = draft.program.values.find((v) => v.name === instruction.result)!;
    tap(draft, y, result, outSize[0] * outSize[1] * words);
  }
  return { ...result, inside };
}

/** The wire with the taps of windows side by side, of `width` bits each, from those of the one window that spans them. */
export function placeSplit(
  draft: Draft,
  stem: string,
  { kernel, tapStep, stride, span, phases, offset }: WindowSplit,
  windows: number,
  width: number,
  from: string,
): string {
  const taps = draft.names.take(`${stem}_taps`);
  wire(draft, taps, kernel[0] * kernel[1] * windows * width);
  place(
    draft,
    "nf_window_split",
    `${stem}_split`,
    {
      WIDTH: width,
      COUNT: windows,
      KERNEL_Y: kernel[0],
      KERNEL_X: kernel[1],
      TAP_STEP: tapStep,
      STRIDE: stride,
      ...(phases > 1 ? { PHASES: phases, OFFSET: offset } : {}),
      SPAN: span,
    },
    { s_data: from, m_data: taps },
    null,
  );
  return taps;
}

/** Whether windows side by side have the taps of the window that spans them, in its order. */
export function isPlainSplit({ kernel, stride, phases }: WindowSplit): boolean {
  return kernel[0] === 1 && kernel[1] === 1 && stride === 1 && phases === 1;
}

export function placePool(draft: Draft, stage: PoolStage, before: Stream): Stream {
  const { instruction, result: y, whole, taps, side, windows, split, lanes, words } = stage;
  const { layer, kind } = instruction;
  const stem = layerStem(layer);
  const average = kind === "average";
  section(
    draft,
    `Layer ${commentText(layer)}: ${average ? "average" : "largest"} of ${countText(taps, "element")}` +
      `${whole && words > 1 ? `, ${words} in turn` : ""}, ` +
      `${countText(lanes, "lane")} of ${formatText(y)}, ${countText(busyCycles(stage), "cycle")}`,
  );
  const { min, max } = mantissaRange(y.format);
  const sums = { min: Math.min(0, min * taps), max: max * taps };
  const division = average ? exactDivision(sums, taps) : { multiplier: 1, offset: 0, shift: 0 };
  compilerAssert(
    division.multiplier < 2 ** 31 && Math.abs(division.offset) < 2 ** 31,
    "constants of an average are plain integers",
  );
  const result = stream(draft, `${stem}_pooled`, lanes, widthOf(y.format));
  const insideWhole = side === 1 ? "1'b1" : `{${side}{1'b1}}`;
  const [data, inside] = split
    ? [
        placeSplit(draft, stem, split, windows, (lanes / windows) * before.width, `${before.stem}_data`),
        placeSplit(draft, `${stem}_inside`, split, windows, 1, before.inside!),
      ]
    : [`${before.stem}_data`, whole ? insideWhole : before.inside!];
  place(
    draft,
    "nf_pool",
    `${stem}_pool`,
    {
      LANES: lanes,
      WIDTH: widthOf(y.format),
      SIGNED: flag(isSigned(y.format)),
      WINDOW: beatsOfPool(stage),
      ...(side > 1 ? { TAPS: side } : {}),
      ...(windows > 1 ? { WINDOWS: windows } : {}),
      ...(whole && words > 1 ? { WORDS: words } : {}),
      AVERAGE: flag(average),
      SUM_WIDTH: average ? widthOfRange(sums, true) : 1,
      MULTIPLIER: division.multiplier,
      OFFSET: division.offset,
      SHIFT: division.shift,
    },
    {
      ...CLOCK,
      s_data: data,
      s_inside: inside,
      s_valid: `${before.stem}_valid`,
      s_ready: `${before.stem}_ready`,
      ...source(result),
    },
    {
      layer,
      op: "pool",
      pe: lanes,
      simd: side,
      cycles: busyCycles(stage),
      ...(whole ? { storedElements: words * lanes } : {}),
    },
  );
  tap(draft, y, result, words);
  return result;
}

/** Parameters of nf_crop for words of `width` bits. */
export function cropParameters(
  { size, first, box }: Pick<CropStage, "size" | "first" | "box">,
  width: number,
): Readonly<Record<string, number>> {
  return {
    WIDTH: width,
    ROWS: size[0],
    COLUMNS: size[1],
    WORDS: size[2],
    FIRST_ROW: first[0],
    FIRST_COLUMN: first[1],
    FIRST_WORD: first[2],
    BOX_ROWS: box[0],
    BOX_COLUMNS: box[1],
    BOX_WORDS: box[2],
  };
}

export function placeCrop(draft: Draft, stage: CropStage, before: Stream): Stream {
  const { instruction, result: y, lanes, size, first, box } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  section(
    draft,
    `Layer ${commentText(layer)}: keeps ${sizeText(box)} words of ${sizeText(size)}, from ${sizeText(first)} on`,
  );
  const result = stream(draft, `${stem}_box`, lanes, before.width);
  place(
    draft,
    "nf_crop",
    `${stem}_crop`,
    cropParameters(stage, lanes * before.width),
    { ...CLOCK, ...sink(before), ...source(result) },
    { layer, op: "slice", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, box[0] * box[1] * box[2]);
  return result;
}

/** Parameters of nf_pad for elements of `width` bits. */
export function padParameters(
  { lanes, size, outSize, first }: Pick<PadStage, "lanes" | "size" | "outSize" | "first">,
  width: number,
  mantissa: number,
): Readonly<Record<string, number>> {
  return {
    LANES: lanes,
    WIDTH: width,
    ROWS: size[0],
    COLUMNS: size[1],
    WORDS: size[2],
    OUT_ROWS: outSize[0],
    OUT_COLUMNS: outSize[1],
    OUT_WORDS: outSize[2],
    FIRST_ROW: first[0],
    FIRST_COLUMN: first[1],
    FIRST_WORD: first[2],
    PAD: mantissa,
  };
}

export function placePad(draft: Draft, stage: PadStage, before: Stream): Stream {
  const { instruction, result: y, lanes, size, outSize } = stage;
  const { layer, mantissa } = instruction;
  const stem = layerStem(layer);
  section(
    draft,
    `Layer ${commentText(layer)}: ${sizeText(size)} words in ${sizeText(outSize)}, with ${mantissa} around them`,
  );
  const result = stream(draft, `${stem}_padded`, lanes, before.width);
  place(
    draft,
    "nf_pad",
    `${stem}_pad`,
    padParameters(stage, before.width, mantissa),
    { ...CLOCK, ...sink(before), ...source(result) },
    { layer, op: "pad", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, outSize[0] * outSize[1] * outSize[2]);
  return result;
}
