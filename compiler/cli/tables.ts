// Tables and figures as a person reads them.
import Table from "cli-table3";
import { changeText, lossText, outcomeFacts, pruningFacts } from "../driver/capacity-text.ts";
import { areaText } from "../flow/area.ts";
import type {
  ImportAccount,
  Report,
  ReportBranches,
  ReportSynthesis,
  TensorAccount,
} from "../report/results.ts";

const PLAIN = {
  chars: {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
    "bottom-right": "",
    left: "",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
    middle: "  ",
  },
  style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
};

export const number = (value: number): string => value.toLocaleString("en-US");
export const percent = (value: number): string => `${(value * 100).toFixed(2)} %`;
interface Quality {
  readonly accuracy: number | null;
  readonly loss: number;
}
interface Score extends Quality {
  readonly outputs?: readonly (Quality & { readonly name: string })[] | undefined;
}

const qualityText = ({ accuracy, loss }: Quality): string =>
  accuracy === null ? lossText(loss) : percent(accuracy);
const namedQuality = (score: Quality): string =>
  score.accuracy === null ? `loss ${qualityText(score)}` : qualityText(score);
/** Accuracy, or the loss where there are no classes; of several outputs that of each too. */
export const scoreText = ({ outputs, ...whole }: Score): string => {
  const each = outputs?.map((score) => `${score.name} ${namedQuality(score)}`) ?? [];
  return namedQuality(whole) + (each.length === 0 ? "" : ` (${each.join(", ")})`);
};
/** Scores of integers and float, without what they are. */
export const scorePair = (integers: Quality, float: Quality): string =>
  `${qualityText(integers)} integers, ${qualityText(float)} float`;
/** What is known of integers that there is nothing to compare with but the float network. */
export const unknownText = ({ loss }: Quality): string =>
  `unknown: nothing to compare with; mean square distance from the float network ${lossText(loss)}`;
const bits = (value: number | null | undefined): string => (value == null ? "-" : value.toFixed(2));

/** Names are somebody else's text: quoted where they would move the cursor. */
export const shownName = (name: string): string =>
  /^[\x20-\x7e]*$/.test(name) ? name : JSON.stringify(name);

/** Rows of a table that are printed: its layout takes a time that grows with their square. */
const MAX_ROWS = 500;

/** Rows of aligned columns; the first row is the head. Of very many rows the first ones, and how many more there are. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const colAligns = head.map((_, i): "left" | "right" => (i < left ? "left" : "right"));
  const t = new Table({ ...PLAIN, head: [...head], colAligns });
  for (const row of rows.slice(0, MAX_ROWS)) t.push([...row]);
  const more = rows.length - MAX_ROWS;
  return [
    ...t
      .toString()
      .split("\n")
      .map((line) => line.trimEnd()),
    ...(more > 0 ? [`and ${number(more)} more; --json has all`] : []),
  ].join("\n");
}

/** All that is known of a build: layers, figures, and of a training its ledger. */
export function reportText(report: Report, hasPrices = true): string {
  const below = [summaryLines(report), capacityLines(report)].filter((lines) => lines !== "");
  const prices = hasPrices && report.ledger ? [pricesText(report)] : [];
  return [layerTable(report), below.join("\n"), ...prices].join("\n\n");
}

/** The layers of a report: SNR bits, where it is of a training, and widths, and what they cost. */
function layerTable({ layers = [], imported }: Report): string {
  const snr = (of: "weight" | "input"): string[] => (imported ? [] : [`${of} SNR bits`]);
  const snrBits = (value: number | null | undefined): string[] => (imported ? [] : [bits(value)]);
  const rows = layers.map((l) => [
    shownName(l.name),
    ...snrBits(l.weights.snrBits),
    `${l.weights.width}`,
    ...snrBits(l.activations.snrBits),
    `${l.activations.width}`,
    `${l.accumulatorWidth}`,
    number(l.macs * l.weights.width * l.activations.width),
  ]);
  return table(
    [
      "layer",
      ...snr("weight"),
      "weight width",
      ...snr("input"),
      "input width",
      "accumulator",
      "bit operations",
    ],
    rows,
  );
}

/** Formats that are listed; report.json has all. */
const SHOWN_FORMATS = 8;

/** What came in with a model whose file states its quantizers. */
function importLines({ format, inputs, outputs, formats, samples }: ImportAccount): string[] {
  const line = (what: string, text: string): string => `${what.padEnd(13)}${text}`;
  const scaled = (what: string, values: number | readonly number[]): string =>
    typeof values === "number" ? `${what} ${Number(values.toPrecision(6))}` : `${values.length} ${what}s`;
  const sizes = (shape: readonly number[]): string => shape.join("x") || "1";
  const says = { file: "as the file states", user: "as asked for", default: "assumed: nothing states it" };
  const counts = new Map<string, number>();
  for (const text of formats.flatMap((node) => node.formats)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const found = [...counts].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`));
  return [
    line("model file", format),
    ...inputs.map(({ name, shape, signed, width, scale, zeroPoint, statedBy }) =>
      line(
        "input",
        `${shownName(name)} ${sizes(shape)}: ${signed ? "s" : "u"}${width}, ${scaled("scale", scale)}, ` +
          `${scaled("zero point", zeroPoint)} (${says[statedBy]})`,
      ),
    ),
    ...outputs.map(({ name, shape, role, scale, offset }) =>
      line(
        "output",
        role === "class"
          ? `${shownName(name)}: the class`
          : `${shownName(name)} ${sizes(shape)}: ${scaled("scale", scale)}, ${scaled("offset", offset)}`,
      ),
    ),
    ...found.slice(0, SHOWN_FORMATS).map((text) => line("format", text)),
    ...(found.length > SHOWN_FORMATS ? [line("", `and ${found.length - SHOWN_FORMATS} more formats`)] : []),
    line("samples", `${number(samples.count)} ${samples.from === "data" ? "of yours" : "random ones"}`),
  ];
}

/** The figures below the table of layers. */
export function summaryLines(report: Report): string {
  const lines: string[] = [];
  const { float, quantized, accuracy, imported, totals, hardware, c, synth = {}, verify } = report;
  if (imported) lines.push(...importLines(imported));
  if (accuracy && float && quantized) lines.push(`${"accuracy".padEnd(13)}${unknownText(quantized)}`);
  else if (float && quantized) {
    const what = ({ accuracy }: Quality): string => (accuracy === null ? "loss" : "accuracy");
    lines.push(`${what(quantized).padEnd(13)}${scorePair(quantized, float)} (test set)`);
    quantized.outputs?.forEach((output, i) => {
      const pair = scorePair(output, float.outputs?.[i] ?? output);
      lines.push(`${"output".padEnd(13)}${output.name}: ${what(output)} ${pair}`);
    });
  } else if (quantized)
    lines.push(`${"accuracy".padEnd(13)}${scoreText(quantized)} of the integers (test set)`);
  else if (accuracy)
    lines.push(`${"accuracy".padEnd(13)}unknown: there are no labels or targets to compare with`);
  if (totals)
    lines.push(
      `size         ${number(totals.bitOperations)} bit operations, ${number(totals.weightBits)} weight bits, ${totals.meanWeightBits.toFixed(2)} bits per weight`,
    );
  if (hardware)
    lines.push(
      `hardware     an inference every ${hardware.intervalCycles} cycles, latency ${hardware.latencyCycles} cycles (${number(Math.round((hardware.clockMHz * 1e6) / hardware.intervalCycles))} per second at ${hardware.clockMHz} MHz)`,
    );
  if (c)
    lines.push(
      `C            ${number(c.flashBytes)} bytes of constants, ${number(c.ramBytes)} bytes of RAM` +
        (c.codeBytes === undefined
          ? ""
          : `, ${number(c.codeBytes)} bytes of code, ${number(c.stackBytes ?? 0)} bytes of stack`),
    );
  for (const [target, figures] of Object.entries(synth)) lines.push(...synthesisLines(target, figures));
  if (verify) {
    for (const [label, backend] of [
      ["simulator", verify.sim],
      ["C", verify.c],
      ["Verilog", verify.rtl],
      ...Object.entries(verify.netlist ?? {}).map(([name, b]) => [`netlist ${name}`, b] as const),
      ...Object.entries(verify.board ?? {}).map(([name, b]) => [`board ${name}`, b] as const),
    ] as const) {
      if (!backend) continue;
      const cycles =
        backend.intervalCycles === undefined
          ? ""
          : `; measured latency ${backend.latencyCycles}, interval ${backend.intervalCycles} cycles`;
      const text =
        backend.status === "skipped"
          ? `skipped: ${backend.reason}`
          : `${backend.status}, ${number(backend.vectors)} vectors, ${number(backend.mismatches ?? 0)} mismatches${cycles}`;
      lines.push(`${`verify`.padEnd(13)}${label.padEnd(10)} ${text}`);
    }
    if (verify.branches) lines.push(...branchLines(verify.branches));
  }
  return lines.join("\n");
}

/** What decides, as people call its branches. */
const BRANCHES = [
  ["requantize", "requantizer branches"],
  ["threshold", "threshold levels"],
  ["table", "table entries"],
  ["argmax", "argmax branches"],
] as const;
/** Missing branches that a line names. */
const SHOWN_BRANCHES = 4;

/** Which branches the vectors took, of those that the bounds allow. */
function branchLines(branches: ReportBranches): string[] {
  return BRANCHES.flatMap(([op, what]) => {
    const totals = branches[op];
    if (!totals || totals.possible === 0) return [];
    const { possible, reached } = totals;
    const missing = branches.missing
      .filter((one) => one.op === op)
      .flatMap(({ layer, branches: names }) => names.map((name) => `${layer} ${name}`));
    const shown = missing.slice(0, SHOWN_BRANCHES).join(", ");
    const more = possible - reached > SHOWN_BRANCHES ? ", ..." : "";
    const text = `${what}: ${number(reached)} of ${number(possible)} reached`;
    return [`${"verify".padEnd(13)}${text}${shown === "" ? "" : `; missing: ${shown}${more}`}`];
  });
}

/** What a target came to, and what was left out of its flow. */
function synthesisLines(target: string, figures: ReportSynthesis): string[] {
  const { has, fits, fmaxMHz, countedBy, timedBy, steps, board, clockMHz } = figures;
  const line = (text: string): string => `${"synth".padEnd(13)}${target.padEnd(10)} ${text}`;
  const clock = fmaxMHz === null ? "" : `; ${fmaxMHz} MHz by ${timedBy}`;
  return [
    line(`${areaText(figures, has)}${fits ? "" : ", does NOT fit"}, by ${countedBy}${clock}`),
    ...(board
      ? [
          line(
            `${board.title}, serial line and all, at ${clockMHz} MHz: ${number(board.inferencesPerSecond.core)} inferences per second by the core's cycles, ${number(board.inferencesPerSecond.line)} over its line at ${number(board.baud)} baud`,
          ),
        ]
      : []),
    ...steps.flatMap(({ step, status, reason }) =>
      reason === undefined ? [] : [line(`${step} ${status}: ${reason}`)],
    ),
  ];
}

/** How the objective ended and what pruning saved. */
export function capacityLines({ outcome, ledger, removed = [], accuracy }: Report): string {
  const facts = [
    ...(outcome ? outcomeFacts(outcome, accuracy !== "unknown") : []),
    ...(ledger ? pruningFacts(ledger, removed) : []),
  ];
  return facts.map((f) => `${f.what.padEnd(13)}${f.value} (${f.because})`).join("\n");
}

/** What one more and one less bit of each tensor would change, with a line that says so. */
export function pricesText(report: Report): string {
  return `one bit more or less in one tensor, without training again:\n${priceTable(report)}`;
}

function priceTable({ ledger = [] }: Report): string {
  const cells = (price: TensorAccount["more"]): string[] =>
    price === null
      ? ["-", "-", "-"]
      : [
          price.decibels === null ? "-" : changeText(price.decibels, (d) => d.toFixed(1)),
          changeText(price.loss, lossText),
          changeText(price.bitOperations, number),
        ];
  const rows = ledger.flatMap(({ name, weights, activations }) =>
    (
      [
        ["weights", weights],
        ["input", activations],
      ] as const
    ).map(([tensor, account]) => [
      name,
      tensor,
      bits(account.snrBits),
      `${account.width}`,
      ...cells(account.more),
      ...cells(account.less),
    ]),
  );
  const change = ["dB", "loss", "bit operations"];
  const head = [
    "layer",
    "tensor",
    "SNR bits",
    "width",
    ...change.map((c) => `+1 bit: ${c}`),
    ...change.map((c) => `-1 bit: ${c}`),
  ];
  return table(head, rows, 2);
}
