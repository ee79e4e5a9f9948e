// The stages that compute, one function each: requantize, threshold, table, scale, select, dense. In: a draft, the stage and the
// stream before it. Out: the stream behind it, with banner, wires, instance, memory images and tap in the draft.
import {
  constantNamed,
  elementsOf,
  fractionOf,
  isSigned,
  type RequantizeInstruction,
  widthOf,
} from "../program/program.ts";
import {
  busyCycles,
  type DenseStage,
  type LimitStage,
  type RequantizeStage,
  type ScaleStage,
  type SelectStage,
  type TableStage,
  type ThresholdStage,
} from "../schedule/stages.ts";
import { commentText } from "../support/comment-text.ts";
import {
  CLOCK,
  countText,
  type Draft,
  flag,
  formatText,
  imageName,
  kindCode,
  layerStem,
  memory,
  place,
  type Stream,
  section,
  sink,
  source,
  stream,
  tap,
  wire,
} from "./draft.ts";
import {
  biasWords,
  maskWords,
  scaleConstants,
  shiftTable,
  tableWords,
  thresholdTable,
  weightWords,
} from "./memory-files.ts";
import { isPlainSplit, placeSplit } from "./place-windows.ts";

/** The flag of a broken packet goes round a stage of `depth` registers; nothing to do behind the first window. */
function passDrop(draft: Draft, stem: string, before: Stream, result: Stream, depth: number): Stream {
  if (before.drop === null) return result;
  const drop = draft.names.take(`${result.stem}_drop`);
  wire(draft, drop, null);
  const ports = { aclk: "aclk", move: `${before.stem}_ready`, s_flag: before.drop, m_flag: drop };
  place(draft, "nf_sideband", `${stem}_sideband`, { DEPTH: depth }, ports, null);
  return { ...result, drop };
}

const ROUNDING_CODE: Readonly<Record<RequantizeInstruction["rounding"], number>> = {
  "half-up": 0,
  truncate: 1,
  "half-even": 2,
};

export function placeRequantize(draft: Draft, stage: RequantizeStage, before: Stream): Stream {
  const { instruction, source: x, result: y, shifts, lanes, words } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  const relu = instruction.activation === "relu";
  const point =
    shifts.length === 1
      ? `binary point ${fractionOf(x.format, 0)} to ${fractionOf(y.format, 0)}`
      : `a shift of ${Math.min(...shifts)} to ${Math.max(...shifts)} for each channel`;
  section(
    draft,
    `Layer ${commentText(layer)}: ${formatText(x)} to ${formatText(y)}, ${point}${relu ? ", ReLU" : ""}`,
  );
  const result = stream(draft, `${stem}_quantized`, lanes, widthOf(y.format));
  const formats = {
    IN_WIDTH: widthOf(x.format),
    IN_SIGNED: flag(isSigned(x.format)),
    OUT_WIDTH: widthOf(y.format),
    OUT_SIGNED: flag(isSigned(y.format)),
  };
  const rounding = { ROUNDING: ROUNDING_CODE[instruction.rounding], RELU: flag(relu) };
  const entry = { layer, op: "requantize", pe: lanes, simd: 1, cycles: busyCycles(stage) };
  // Behind a limit the value is complete.
  if (instruction.limit === null) tap(draft, y, result, words);
  if (shifts.length === 1) {
    const parameters = { LANES: lanes, ...formats, SHIFT: shifts[0]!, ...rounding };
    place(
      draft,
      "nf_requantize",
      `${stem}_requantize`,
      parameters,
      { ...CLOCK, ...sink(before), ...source(result) },
      entry,
    );
    return passDrop(draft, stem, before, result, 1);
  }
  const table = shiftTable(stage);
  const { file, style } = memory(
    draft,
    imageName(draft, stem, "shifts"),
    `Shifts of layer ${commentText(layer)}: ${countText(table.words.length, "word")}, word ${lanes} lanes x ${table.width} bits.`,
    table.words,
    lanes * table.width,
  );
  place(
    draft,
    "nf_requantize_channels",
    `${stem}_requantize`,
    {
      LANES: lanes,
      BEATS: words,
      ...formats,
      LEFT: table.left,
      SHIFT_BITS: table.width,
      ...rounding,
      DEPTH: table.words.length,
      MEM_DIR: "MEM_DIR",
      SHIFT_FILE: file,
      ROM_STYLE: style,
    },
    { ...CLOCK, ...sink(before), s_drop: before.drop ?? "1'b0", ...source(result) },
    entry,
  );
  return passDrop(draft, stem, before, result, 2);
}

export function placeLimit(draft: Draft, stage: LimitStage, before: Stream): Stream {
  const { instruction, limit, result: y, lanes, words } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  section(draft, `Layer ${commentText(layer)}: at most ${limit}`);
  const result = stream(draft, `${stem}_limited`, lanes, before.width);
  place(
    draft,
    "nf_limit",
    `${stem}_limit`,
    { LANES: lanes, WIDTH: before.width, SIGNED: flag(isSigned(y.format)), LIMIT: limit },
    { ...CLOCK, ...sink(before), ...source(result) },
    { layer, op: "limit", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, words);
  return passDrop(draft, stem, before, result, 1);
}

export function placeThreshold(draft: Draft, stage: ThresholdStage, before: Stream): Stream {
  const { instruction, source: x, result: y, lanes, words } = stage;
  const { layer, base } = instruction;
  const stem = layerStem(layer);
  const table = thresholdTable(draft.program, stage);
  section(
    draft,
    `Layer ${commentText(layer)}: ${formatText(x)} to ${formatText(y)}, ${countText(table.levels, "threshold")} for each channel`,
  );
  const result = stream(draft, `${stem}_counted`, lanes, widthOf(y.format));
  const { file, style } = memory(
    draft,
    imageName(draft, stem, "thresholds"),
    `Thresholds of layer ${commentText(layer)}: ${countText(table.words.length, "word")}, word ${lanes} lanes x ${table.levels} levels x ${table.width} bits.`,
    table.words,
    lanes * table.levels * table.width,
  );
  place(
    draft,
    "nf_threshold",
    `${stem}_threshold`,
    {
      ELEMENTS: elementsOf(x.shape),
      LANES: lanes,
      LEVELS: table.levels,
      IN_WIDTH: widthOf(x.format),
      IN_SIGNED: flag(isSigned(x.format)),
      T_WIDTH: table.width,
      BASE: base,
      OUT_WIDTH: widthOf(y.format),
      DEPTH: table.words.length,
      MEM_DIR: "MEM_DIR",
      THRESHOLD_FILE: file,
      ROM_STYLE: style,
    },
    { ...CLOCK, ...sink(before), s_drop: before.drop ?? "1'b0", ...source(result) },
    { layer, op: "threshold", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, words);
  return passDrop(draft, stem, before, result, 2);
}

export function placeScale(draft: Draft, stage: ScaleStage, before: Stream): Stream {
  const { instruction, source: x, result: y, lanes, words } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  const constants = scaleConstants(draft.program, stage);
  section(
    draft,
    `Layer ${commentText(layer)}: ${formatText(x)} to ${formatText(y)} by a multiplier of each channel, ${countText(lanes, "lane")}`,
  );
  const result = stream(draft, `${stem}_scaled`, lanes, widthOf(y.format));
  const bits = lanes * (constants.width + widthOf(y.format));
  const { file, style } = memory(
    draft,
    imageName(draft, stem, "scale"),
    `Multipliers and offsets of layer ${commentText(layer)}: ${countText(constants.words.length, "word")}, word ${lanes} lanes of ${constants.width} and ${widthOf(y.format)} bits.`,
    constants.words,
    bits,
  );
  place(
    draft,
    "nf_scale",
    `${stem}_scale`,
    {
      ELEMENTS: elementsOf(x.shape),
      LANES: lanes,
      IN_WIDTH: widthOf(x.format),
      IN_SIGNED: flag(isSigned(x.format)),
      M_WIDTH: constants.width,
      OUT_WIDTH: widthOf(y.format),
      DEPTH: constants.words.length,
      MEM_DIR: "MEM_DIR",
      CONSTANT_FILE: file,
      ROM_STYLE: style,
    },
    { ...CLOCK, ...sink(before), s_drop: before.drop ?? "1'b0", ...source(result) },
    { layer, op: "scale", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, words);
  return passDrop(draft, stem, before, result, 2);
}

export function placeTable(draft: Draft, stage: TableStage, before: Stream): Stream {
  const { instruction, source: x, result: y, lanes, words } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  const entries = tableWords(draft.program, stage);
  section(
    draft,
    `Layer ${commentText(layer)}: ${formatText(x)} to ${formatText(y)} by a table, ${countText(lanes, "lane")}`,
  );
  const result = stream(draft, `${stem}_entries`, lanes, widthOf(y.format));
  const { file, style } = memory(
    draft,
    imageName(draft, stem, "table"),
    `Table of layer ${commentText(layer)}: ${countText(entries.length, "entry").replace("entrys", "entries")} of ${widthOf(y.format)} bits, that of the lowest input first.`,
    entries,
    widthOf(y.format),
  );
  place(
    draft,
    "nf_table",
    `${stem}_table`,
    {
      CHANNELS: elementsOf(x.shape),
      LANES: lanes,
      IN_WIDTH: widthOf(x.format),
      IN_SIGNED: flag(isSigned(x.format)),
      OUT_WIDTH: widthOf(y.format),
      MEM_DIR: "MEM_DIR",
      FILE: file,
      ROM_STYLE: style,
    },
    { ...CLOCK, ...sink(before), ...source(result) },
    { layer, op: "table", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, words);
  return passDrop(draft, stem, before, result, 2);
}

export function placeSelect(draft: Draft, stage: SelectStage, before: Stream): Stream {
  const { instruction, result: y, elements, lanes, beats, wordLanes, words } = stage;
  const { layer, indices } = instruction;
  const stem = layerStem(layer);
  section(
    draft,
    `Layer ${commentText(layer)}: keeps ${indices.length} of ${countText(elements, "element")}, ${countText(lanes, "lane")} to ${countText(wordLanes, "lane")}`,
  );
  const result = stream(draft, `${stem}_kept`, wordLanes, before.width);
  // Behind the first window no packet is broken, and nothing reads the flag.
  const drop = draft.names.take(`${result.stem}${before.drop === null ? "_unused" : ""}_drop`);
  wire(draft, drop, null);
  const { file, style } = memory(
    draft,
    imageName(draft, stem, "mask"),
    `Elements that layer ${commentText(layer)} keeps: ${countText(beats, "word")}, word ${countText(lanes, "bit")}.`,
    maskWords(stage),
    lanes,
  );
  place(
    draft,
    "nf_select",
    `${stem}_select`,
    {
      ELEMENTS: elements,
      LANES: lanes,
      WORD_LANES: wordLanes,
      WIDTH: before.width,
      MEM_DIR: "MEM_DIR",
      MASK_FILE: file,
      ROM_STYLE: style,
    },
    { ...CLOCK, ...sink(before), s_drop: before.drop ?? "1'b0", ...source(result), m_drop: drop },
    { layer, op: "select", pe: lanes, simd: 1, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, words);
  return { ...result, drop: before.drop === null ? null : drop };
}

/** What a lane of a dense layer is made of. */
function laneText({ source: x }: DenseStage, bipolarWeights: boolean): string {
  const bipolarInputs = x.format.kind === "bipolar";
  if (bipolarInputs && bipolarWeights) return "XNOR gate";
  return bipolarInputs || bipolarWeights ? "add/subtract lane" : "multiplier";
}

export function placeDense(draft: Draft, stage: DenseStage, before: Stream): Stream {
  const { program } = draft;
  const {
    instruction,
    source: x,
    result: y,
    positions,
    inputs,
    vectors,
    taps,
    windows,
    split,
    sets,
    phases,
    outSize,
    outputs,
    pe,
    simd,
    inFolds,
    outFolds,
    sharing,
  } = stage;
  const { layer } = instruction;
  const stem = layerStem(layer);
  const weights = constantNamed(program, instruction.weights);
  const weightBits = widthOf(weights.format);
  const bias = biasWords(program, stage);
  const folds = `${pe} PE x ${simd} SIMD`;
  const lanesText = windows === 1 ? folds : `${folds} at ${windows} positions side by side`;
  const setsText = sets === 1 ? "" : `${sets} phases x `;
  const shared = sharing ? sharing.pe * sharing.windows : 1;
  const sharedText = sharing ? `, ${shared} products in each` : "";
  const lane = laneText(stage, weights.format.kind === "bipolar");
  const where = instruction.op === "conv" ? ` at ${countText(positions, "position")}` : "";
  section(
    draft,
    `Layer ${commentText(layer)}: ${countText(inputs, "input")} ${formatText(x)} to ${countText(outputs, "output")}${where}, ` +
      `${countText((windows * pe * simd) / shared, lane)}${sharedText} (${lanesText}), ${countText(busyCycles(stage), "cycle")}`,
  );
  const result = stream(draft, `${stem}_sums`, windows * pe, widthOf(y.format));
  const part = (simd / taps) * vectors * before.width;
  const data =
    split && !isPlainSplit(split)
      ? placeSplit(draft, stem, split, windows, part, `${before.stem}_data`)
      : `${before.stem}_data`;
  const files = draft.files.take(stem, ["_weights.mem", "_bias.mem"]);
  const { file, style } = memory(
    draft,
    `${files}_weights.mem`,
    `Weights of layer ${commentText(layer)}: ${phases[0] * phases[1] * inFolds * outFolds} words, word ${setsText}${folds} x ${weightBits} bits.`,
    weightWords(program, stage),
    sets * pe * simd * weightBits,
    stage.memory,
  );
  const biasBits = widthOf(y.format);
  const biasWhat = `Bias of layer ${commentText(layer)}: ${outFolds} words, word ${pe} PE x ${biasBits} bits.`;
  const biasFile = bias ? memory(draft, `${files}_bias.mem`, biasWhat, bias, pe * biasBits).file : '""';
  place(
    draft,
    "nf_dense",
    `${stem}_dense`,
    {
      INPUTS: inputs,
      OUTPUTS: outputs,
      PE: pe,
      SIMD: simd,
      ...(vectors > 1 ? { VECTORS: vectors } : {}),
      ...(vectors * windows > 1 && taps > 1 ? { TAPS: taps } : {}),
      ...(windows > 1 ? { WINDOWS: windows } : {}),
      ...(sets > 1 ? { SETS: sets } : {}),
      ...(sharing
        ? { SHARED_PE: sharing.pe, SHARED_WINDOWS: sharing.windows, SPACING: sharing.spacing }
        : {}),
      ...(phases[0] * phases[1] > 1
        ? { PHASES_Y: phases[0], PHASES_X: phases[1], ROWS: outSize[0], COLUMNS: outSize[1] }
        : {}),
      X_WIDTH: widthOf(x.format),
      X_KIND: kindCode(x.format),
      W_WIDTH: weightBits,
      W_KIND: kindCode(weights.format),
      ACC_WIDTH: widthOf(y.format),
      ...(stage.multiply === "logic" ? { IN_LOGIC: 1 } : {}),
      MEM_DIR: "MEM_DIR",
      WEIGHT_FILE: file,
      BIAS_FILE: biasFile,
      ROM_STYLE: style,
    },
    { ...CLOCK, ...sink(before), s_data: data, ...source(result) },
    { layer, op: instruction.op, pe: windows * pe, simd, cycles: busyCycles(stage) },
  );
  tap(draft, y, result, (positions / windows) * outFolds);
  return result;
}
