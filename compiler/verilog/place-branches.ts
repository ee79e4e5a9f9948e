// The stages at which streams part and meet: fork, FIFO, sum, difference and product, concat. In: a draft, the stage and
// the streams before it. Out: the streams behind it, with banner, wires, instance and tap in the draft.
import { alignmentOf } from "../program/bounds.ts";
import { isSigned, widthOf } from "../program/program.ts";
import {
  busyCycles,
  type ConcatStage,
  type FifoStage,
  type ForkStage,
  type JoinStage,
  type MergeStage,
} from "../schedule/stages.ts";
import { commentText } from "../support/comment-text.ts";
import {
  CLOCK,
  connected,
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
} from "./draft.ts";
import { legalStem } from "./names.ts";

/** The streams of the receivers, in their order. */
export function placeFork(draft: Draft, stage: ForkStage, before: Stream): readonly Stream[] {
  const { value, count, lanes } = stage;
  const stem = legalStem(value.name, "value");
  section(draft, `Value ${commentText(value.name)}: goes to ${count} stages`);
  const results = Array.from({ length: count }, (_, k) =>
    stream(draft, `${stem}_copy${k + 1}`, lanes, before.width),
  );
  // Receiver 0 has the lowest bits.
  const all = (suffix: string): string =>
    `{${results
      .map((r) => `${r.stem}${suffix}`)
      .toReversed()
      .join(", ")}}`;
  place(
    draft,
    "nf_forkn",
    `${stem}_fork`,
    { WIDTH: lanes * before.width, COUNT: count },
    { ...CLOCK, ...sink(before), m_data: all("_data"), m_valid: all("_valid"), m_ready: all("_ready") },
    { layer: value.name, op: "fork", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  return results;
}

export function placeFifo(draft: Draft, stage: FifoStage, before: Stream): Stream {
  const { instruction, value, lanes, depth } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  section(
    draft,
    `Layer ${commentText(layer)}: room for ${countText(depth, "beat")} of ${lanes} x ${formatText(value)}, ` +
      "until the other branch is as far",
  );
  const result = stream(draft, `${stem}_waiting`, lanes, before.width);
  place(
    draft,
    "nf_fifo",
    `${stem}_fifo`,
    { WIDTH: lanes * before.width, DEPTH: depth, ...ramStyle(stage) },
    { ...CLOCK, ...sink(before), ...source(result) },
    { layer, op: "fifo", pe: lanes, simd: 1, cycles: busyCycles(stage), storedElements: depth * lanes },
  );
  return result;
}

const OPERATION = {
  add: { code: 0, what: "sum" },
  subtract: { code: 1, what: "difference" },
  multiply: { code: 2, what: "product" },
} as const;

export function placeJoin(draft: Draft, stage: JoinStage, a: Stream, b: Stream): Stream {
  const { instruction, sources, result: y, lanes, secondLanes, words } = stage;
  const { layer, op } = instruction;
  const stem = layerStem(layer);
  const { code, what } = OPERATION[op];
  const [first, second] = sources;
  section(
    draft,
    `Layer ${commentText(layer)}: ${what} of ${formatText(first)} and ${formatText(second)}, ${countText(lanes, "lane")}, ` +
      countText(words, "cycle"),
  );
  const result = stream(draft, `${stem}_${what}s`, lanes, widthOf(y.format));
  const shift = (value: typeof first): number =>
    op === "multiply" ? 0 : alignmentOf(y.format, value.format);
  place(
    draft,
    "nf_join",
    `${stem}_${op}`,
    {
      LANES: lanes,
      ...(secondLanes === lanes ? {} : { B_LANES: secondLanes }),
      OP: code,
      A_WIDTH: widthOf(first.format),
      A_SIGNED: flag(isSigned(first.format)),
      B_WIDTH: widthOf(second.format),
      B_SIGNED: flag(isSigned(second.format)),
      SHIFT_A: shift(first),
      SHIFT_B: shift(second),
      OUT_WIDTH: widthOf(y.format),
    },
    { ...CLOCK, ...connected("a", a), ...connected("b", b), ...source(result) },
    { layer, op, pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, words);
  return result;
}

export function placeConcat(draft: Draft, stage: ConcatStage, a: Stream, b: Stream): Stream {
  const { instruction, result: y, lanes, turns, beats, complete } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  section(
    draft,
    `Layer ${commentText(layer)}: ${countText(beats[0], "beat")} of one stream, then ${beats[1]} of the other, ` +
      `${turns === 1 ? "once" : `${turns} times`}`,
  );
  const result = stream(draft, `${stem}_joined`, lanes, a.width);
  place(
    draft,
    "nf_concat",
    `${stem}_concat`,
    { WIDTH: lanes * a.width, A_BEATS: beats[0], B_BEATS: beats[1] },
    { ...CLOCK, ...connected("a", a), ...connected("b", b), ...source(result) },
    { layer, op: "concat", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  if (complete) tap(draft, y, result, turns * (beats[0] + beats[1]));
  return result;
}

export function placeMerge(draft: Draft, stage: MergeStage, a: Stream, b: Stream): Stream {
  const { instruction, result: y, count, parts, words, complete } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  const lanes = count * (parts[0] + parts[1]);
  section(
    draft,
    `Layer ${commentText(layer)}: ${countText(parts[0], "element")} of one stream, then ${parts[1]} of the other, ` +
      `${countText(count, "position")} in a beat`,
  );
  const result = stream(draft, `${stem}_joined`, lanes, a.width);
  place(
    draft,
    "nf_merge",
    `${stem}_merge`,
    { COUNT: count, A_WIDTH: parts[0] * a.width, B_WIDTH: parts[1] * b.width },
    { ...CLOCK, ...connected("a", a), ...connected("b", b), ...source(result) },
    { layer, op: "concat", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  if (complete) tap(draft, y, result, words);
  return result;
}
