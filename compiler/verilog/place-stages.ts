// The stages that move elements, one function each: ports, window, lanes, argmax. In: a draft, the stage and the
// stream before it. Out: the stream behind it, with banner, wires, instance and tap in the draft.
import { isSigned, widthOf } from "../program/program.ts";
import {
  type AdapterStage,
  type ArgmaxStage,
  busyCycles,
  type InputStage,
  type MeetStage,
  type OutputStage,
  type WindowStage,
} from "../schedule/stages.ts";
import { compilerAssert } from "../support/assert.ts";
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
  wire,
} from "./draft.ts";
import { legalStem } from "./names.ts";
import { AXIS_SIGNALS } from "./ports.ts";

/** Connections of a module's AXI4-Stream port of that name to the top module's port of another one. */
function axis(module: string, top: string): Readonly<Record<string, string>> {
  return Object.fromEntries(AXIS_SIGNALS.map((signal) => [`${module}_${signal}`, `${top}_${signal}`]));
}

/** `port` is the top module's; `error` its wire for wrong framing. */
export function placeInput(draft: Draft, stage: InputStage, port: string, error: string): Stream {
  const { elements, lanes, laneBits, wordLanes, value, beats } = stage;
  const stem = legalStem(value.name, "input");
  section(
    draft,
    `Input ${commentText(value.name)}: ${countText(elements, "element")} ${formatText(value)}, ${countText(lanes, "lane")}, ${countText(beats, "beat")}`,
  );
  const width = widthOf(value.format);
  const words = stream(draft, `${stem}_word`, wordLanes, width);
  const drop = draft.names.take(`${words.stem}_drop`);
  wire(draft, drop, null);
  place(
    draft,
    "nf_input",
    `${stem}_input`,
    { ELEMENTS: elements, LANES: lanes, LANE_BITS: laneBits, WIDTH: width, WORD_LANES: wordLanes },
    {
      ...CLOCK,
      ...axis("s_axis", port),
      frame_error: error,
      m_data: `${words.stem}_data`,
      m_drop: drop,
      m_valid: `${words.stem}_valid`,
      m_ready: `${words.stem}_ready`,
    },
    { layer: value.name, op: "input", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  return { ...words, drop };
}

export function placeWindow(draft: Draft, stage: WindowStage, before: Stream): Stream {
  const { layer, value, lanes, words, replays } = stage;
  const stem = layerStem(layer);
  const times = replays === 1 ? "once" : `${replays} times`;
  section(
    draft,
    `Layer ${commentText(layer)}: window of ${countText(words, "word")} of ${lanes} x ${formatText(value)}, read ${times}`,
  );
  const result = stream(draft, `${stem}_window`, lanes, before.width);
  place(
    draft,
    "nf_window",
    `${stem}_buffer`,
    { WIDTH: lanes * before.width, WORDS: words, REPLAYS: replays, ...ramStyle(stage) },
    {
      ...CLOCK,
      s_data: `${before.stem}_data`,
      s_drop: before.drop ?? "1'b0",
      s_valid: `${before.stem}_valid`,
      s_ready: `${before.stem}_ready`,
      ...source(result),
    },
    { layer, op: "window", pe: lanes, simd: 1, cycles: busyCycles(stage), storedElements: 2 * words * lanes },
  );
  return result;
}

/** The streams of the inputs, in their order. */
export function placeMeet(draft: Draft, stage: MeetStage, before: readonly Stream[]): readonly Stream[] {
  const stems = stage.streams.map(({ value }) => legalStem(value.name, "input"));
  section(
    draft,
    `Inputs ${stage.streams.map(({ value }) => commentText(value.name)).join(", ")}: packets of the same place in order ` +
      "end together, all of them as broken if one is",
  );
  const flagsOf = (what: string): readonly string[] =>
    stems.map((stem) => {
      const name = draft.names.take(`${stem}_${what}`);
      wire(draft, name, null);
      return name;
    });
  const [ends, broken] = [flagsOf("at_end"), flagsOf("broken")];
  return stage.streams.map(({ value, lanes, words }, k) => {
    const [from, stem] = [before[k]!, stems[k]!];
    compilerAssert(from.drop !== null, "the words of an input say whether the packet is broken");
    const result = stream(draft, `${stem}_met`, lanes, from.width);
    const drop = draft.names.take(`${result.stem}_drop`);
    wire(draft, drop, null);
    place(
      draft,
      "nf_meet",
      `${stem}_meet`,
      { WIDTH: lanes * from.width, WORDS: words, COUNT: stems.length },
      {
        ...CLOCK,
        ...sink(from),
        s_drop: from.drop,
        ...source(result),
        m_drop: drop,
        at_end: ends[k]!,
        broken: broken[k]!,
        all_at_end: `{${ends.join(", ")}}`,
        all_broken: `{${broken.join(", ")}}`,
      },
      { layer: value.name, op: "meet", pe: lanes, simd: 1, cycles: words },
    );
    return { ...result, drop };
  });
}

export function placeAdapter(draft: Draft, stage: AdapterStage, before: Stream): Stream {
  const { layer, elements, sLanes, mLanes, group } = stage;
  const stem = layerStem(layer);
  section(draft, `Layer ${commentText(layer)}: ${countText(sLanes, "lane")} to ${countText(mLanes, "lane")}`);
  const result = stream(draft, `${stem}_lanes`, mLanes, before.width);
  place(
    draft,
    "nf_lane_adapter",
    `${stem}_adapter`,
    { ELEMENTS: elements, WIDTH: before.width, S_LANES: sLanes, M_LANES: mLanes, GROUP: group },
    { ...CLOCK, ...sink(before), ...source(result) },
    { layer, op: "lanes", pe: mLanes, simd: 1, cycles: busyCycles(stage) },
  );
  return result;
}

/** The class, and if they are streamed the logits' way round the argmax. */
export function placeArgmax(draft: Draft, stage: ArgmaxStage, before: Stream): readonly Stream[] {
  const { instruction, source: x, result: y, positions, side, elements, lanes, beats, forked } = stage;
  const stem = layerStem(instruction.layer);
  const indexWidth = widthOf(y.format);
  section(
    draft,
    `Layer ${commentText(instruction.layer)}: index of the largest of ${elements}` +
      `${positions === 1 ? "" : ` at each of ${positions} positions`}${side === 1 ? "" : `, ${side} at once`}, ${countText(beats, "beat")}`,
  );
  let round: Stream | null = null;
  let into = before;
  if (forked) {
    round = stream(draft, `${stem}_logits`, lanes, before.width);
    into = stream(draft, `${stem}_compared`, lanes, before.width);
    place(
      draft,
      "nf_fork",
      `${stem}_fork`,
      { WIDTH: lanes * before.width },
      { ...sink(before), ...connected("a", round), ...connected("b", into) },
      null,
    );
  }
  const result = stream(draft, `${stem}_index`, side, indexWidth);
  place(
    draft,
    "nf_argmax",
    `${stem}_argmax`,
    {
      ELEMENTS: elements,
      LANES: lanes,
      WIDTH: before.width,
      SIGNED: flag(isSigned(x.format)),
      INDEX_WIDTH: indexWidth,
      ...(side > 1 ? { POSITIONS: side } : {}),
    },
    { ...CLOCK, ...sink(into), ...source(result) },
    { layer: instruction.layer, op: "argmax", pe: side * lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, positions / side);
  return round ? [result, round] : [result];
}

/** `port` is the top module's; `logits` go round the argmax before. */
export function placeOutput(
  draft: Draft,
  stage: OutputStage,
  before: Stream,
  logits: Stream | null,
  port: string,
): void {
  const { value, second, lanes, laneBits, beats } = stage;
  const instance = `${port === "m_axis" ? "output" : port.slice("m_axis_".length)}_port`;
  const what = `${commentText(value.name)} ${formatText(value)}, ${countText(lanes, "lane")} of ${laneBits} bits, ${countText(beats, "beat")}`;
  const entry = { layer: value.name, op: "output", pe: lanes, simd: 1, cycles: busyCycles(stage) };
  if (second === null) {
    section(draft, `Output ${what}`);
    const parameters = {
      BEATS: beats,
      LANES: lanes,
      LANE_BITS: laneBits,
      WIDTH: before.width,
      SIGNED: flag(isSigned(value.format)),
    };
    place(
      draft,
      "nf_output",
      instance,
      parameters,
      { ...CLOCK, ...sink(before), ...axis("m_axis", port) },
      entry,
    );
    return;
  }
  compilerAssert(logits, "logits that are streamed go round the argmax");
  section(draft, `Output ${what}`, `then ${commentText(second.name)} ${formatText(second)}, 1 beat`);
  place(
    draft,
    "nf_output_pair",
    instance,
    {
      LANES: lanes,
      LANE_BITS: laneBits,
      A_BEATS: beats,
      A_WIDTH: logits.width,
      A_SIGNED: flag(isSigned(value.format)),
      B_WIDTH: before.width,
      B_SIGNED: flag(isSigned(second.format)),
    },
    { ...CLOCK, ...connected("a", logits), ...connected("b", before), ...axis("m_axis", port) },
    entry,
  );
}
