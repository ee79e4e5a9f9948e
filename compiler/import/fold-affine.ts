// Affines that become part of weights and biases: before: conv, pool, x * gain + offset; after: conv, pool. In: a draft. Out:
// the same function of its input without them; what no layer can take becomes one, and where there are no positions is
// reported. All in doubles.
import { type MoveOperator, sourcesOf } from "../graph/elements.ts";
import type { FileNumbers } from "../graph/imported.ts";
import { product } from "../graph/shapes.ts";
import type { DiagnosticCollector } from "../support/diagnostics.ts";
import {
  type Affine,
  byChannel,
  bypass,
  channelsOf,
  type Draft,
  type DraftConstants,
  type DraftNode,
  readersOf,
  readings,
} from "./draft.ts";

type NodeOf<K extends DraftNode["kind"]> = DraftNode & { readonly kind: K };
/** Changes that take an affine over; none is made before all of them are known to be exact. */
type Edits = readonly (() => void)[];

const isZero = (x: number): boolean => x === 0;
const hasPadding = ({ before, after }: { before: readonly number[]; after: readonly number[] }): boolean =>
  [...before, ...after].some((cells) => cells !== 0);

/** Whether max(0, x) and the like let an affine pass: they are the same in any unit. */
const isScaleOnly = ({ gain, offset }: Affine): boolean => offset.every(isZero) && gain.every((g) => g >= 0);

/** Whether a pool lets one pass: a largest value stays the largest, and the zeros around a mean stay zeros. */
const passesPool = ({ pooling, padding }: NodeOf<"pool">, { gain, offset }: Affine): boolean =>
  pooling === "max" ? gain.every((g) => g >= 0) : offset.every(isZero) || !hasPadding(padding);

/** A batch-norm as an affine. */
export function affineOfNorm(
  { scale, bias, mean, variance, epsilon }: NodeOf<"norm">,
  channels: number,
): Affine {
  const [s, b, m, v] = [scale, bias, mean, variance].map((values) => byChannel(values, channels));
  const gain = s!.map((x, c) => x / Math.sqrt(v![c]! + epsilon));
  return { gain, offset: b!.map((x, c) => x - m![c]! * gain[c]!) };
}

/** Moves every affine into layers, in the order of the graph. */
export function foldAffines(draft: Draft, problems: DiagnosticCollector): void {
  for (const { name } of [...draft.nodes.values()]) {
    // Earlier affines may have changed this one.
    const node = draft.nodes.get(name);
    if (node?.kind !== "affine") continue;
    const channels = channelsOf(node);
    const affine = { gain: byChannel(node.gain, channels), offset: byChannel(node.offset, channels) };
    const edits = isIdentity(affine)
      ? []
      : (intoMaker(draft, node.input, affine) ?? intoReaders(draft, name, affine));
    if (!edits && node.shape.length > 1) {
      becomeLayer(draft, node, affine);
      continue;
    }
    if (!edits) {
      const parameters = { node: name, because: reasonOf(draft, node) };
      problems.add("import/unfoldable", parameters, { file: node.origin.file });
      continue;
    }
    for (const edit of edits) edit();
    bypass(draft, name);
  }
}

/** A layer of its own for what no other takes: a depthwise convolution over single positions. */
function becomeLayer(draft: Draft, node: NodeOf<"affine">, { gain, offset }: Affine): void {
  const { name, shape, origin, input } = node;
  const channels = channelsOf(node);
  const ones = shape.slice(1).map(() => 1);
  const zeros = ones.map(() => 0);
  draft.nodes.set(name, {
    kind: "conv",
    name,
    shape,
    origin,
    input,
    transposed: false,
    units: channels,
    groups: channels,
    kernel: ones,
    strides: ones,
    dilations: ones,
    padding: { before: zeros, after: zeros },
  });
  draft.constants.set(name, { weights: gain, bias: offset });
}

function isIdentity({ gain, offset }: Affine): boolean {
  return gain.every((g) => g === 1) && offset.every(isZero);
}

function reasonOf(draft: Draft, { input, name }: NodeOf<"affine">): string {
  const before = draft.nodes.get(input)!;
  const behind = readersOf(draft, name).map((node) => `${node.kind} ${JSON.stringify(node.name)}`);
  const shared = readings(draft, input) > 1 ? ", which others read too," : "";
  const ends = draft.outputs.some(({ node }) => node === name) ? ["an output"] : [];
  return `it stands between ${before.kind} ${JSON.stringify(input)}${shared} and ${[...behind, ...ends].join(", ")}`;
}

// Towards the input

/** What makes the value `name` makes it with the affine on top; undefined where that is not exact. */
function intoMaker(draft: Draft, name: string, affine: Affine): Edits | undefined {
  if (readings(draft, name) > 1) return undefined;
  const node = draft.nodes.get(name)!;
  const { gain, offset } = affine;
  switch (node.kind) {
    case "dense":
    case "conv":
      return [() => scaleUnits(draft.constants.get(name)!, affine)];
    case "norm":
      return [
        () => {
          const channels = channelsOf(node);
          const [scale, bias] = [byChannel(node.scale, channels), byChannel(node.bias, channels)];
          draft.nodes.set(name, {
            ...node,
            scale: scale.map((s, c) => s * gain[c]!),
            bias: bias.map((b, c) => b * gain[c]! + offset[c]!),
          });
        },
      ];
    case "pool":
      return passesPool(node, affine) ? intoMaker(draft, node.input, affine) : undefined;
    case "relu":
    case "leaky_relu":
      return isScaleOnly(affine) ? intoMaker(draft, node.input, affine) : undefined;
    case "flatten":
    case "reshape":
    case "slice":
    case "pad":
    case "transpose":
    case "upsample": {
      const before = beforeMove(draft, node, affine);
      return before && intoMaker(draft, node.input, before);
    }
    case "concat": {
      if (node.axis !== node.shape.length - 1)
        return all(node.inputs.map((input) => intoMaker(draft, input, affine)));
      let from = 0;
      return all(
        node.inputs.map((input) => {
          const to = from + channelsOf(draft.nodes.get(input)!);
          const part = { gain: gain.slice(from, to), offset: offset.slice(from, to) };
          from = to;
          return intoMaker(draft, input, part);
        }),
      );
    }
    case "add":
    case "subtract": {
      const [first, second] = node.inputs as [string, string];
      const rest = { gain, offset: new Float64Array(offset.length) };
      return all([intoMaker(draft, first, affine), intoMaker(draft, second, rest)]);
    }
    case "multiply": {
      if (!offset.every(isZero)) return undefined;
      const [first, second] = node.inputs as [string, string];
      return intoMaker(draft, first, affine) ?? intoMaker(draft, second, affine);
    }
    default:
      return undefined;
  }
}

function all(parts: readonly (Edits | undefined)[]): Edits | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

function scaleUnits({ weights, bias }: DraftConstants, { gain, offset }: Affine): void {
  const inputs = weights.length / bias.length;
  for (let u = 0; u < bias.length; u++) {
    for (let k = u * inputs; k < (u + 1) * inputs; k++) weights[k]! *= gain[u]!;
    bias[u] = bias[u]! * gain[u]! + offset[u]!;
  }
}

// Towards the outputs

/** What reads the value `name` reads it without the affine; undefined where that is not exact. */
function intoReaders(draft: Draft, name: string, affine: Affine): Edits | undefined {
  if (draft.outputs.some(({ node }) => node === name)) return undefined;
  const readers = readersOf(draft, name);
  return all([...new Set(readers)].map((reader) => intoReader(draft, reader, name, affine)));
}

function intoReader(draft: Draft, node: DraftNode, name: string, affine: Affine): Edits | undefined {
  const { gain, offset } = affine;
  switch (node.kind) {
    case "dense":
      return [() => scaleInputs(draft.constants.get(node.name)!, affine, 1)];
    case "conv": {
      // The zeros around the input do not get the offset.
      const isPlain = !node.transposed && !hasPadding(node.padding);
      if (!isPlain && !offset.every(isZero)) return undefined;
      return [() => scaleInputs(draft.constants.get(node.name)!, affine, node.groups)];
    }
    case "affine":
      return [() => composeInto(draft, node.name, affine)];
    case "pool":
      return passesPool(node, affine) ? intoReaders(draft, node.name, affine) : undefined;
    case "relu":
    case "leaky_relu":
      return isScaleOnly(affine) ? intoReaders(draft, node.name, affine) : undefined;
    case "step":
    case "sign":
      return isScaleOnly(affine) && !gain.some(isZero) ? [] : undefined;
    case "argmax":
      return gain.every((g) => g > 0 && g === gain[0]) && offset.every((o) => o === offset[0])
        ? []
        : undefined;
    case "flatten":
    case "reshape":
    case "slice":
    case "pad":
    case "transpose":
    case "upsample": {
      const behind = behindMove(draft, node, affine);
      return behind && intoReaders(draft, node.name, behind);
    }
    case "concat": {
      if (node.axis !== node.shape.length - 1) return undefined;
      const wide = {
        gain: new Float64Array(channelsOf(node)).fill(1),
        offset: new Float64Array(channelsOf(node)),
      };
      let from = 0;
      for (const input of node.inputs) {
        if (input === name) {
          wide.gain.set(gain, from);
          wide.offset.set(offset, from);
        }
        from += channelsOf(draft.nodes.get(input)!);
      }
      return intoReaders(draft, node.name, wide);
    }
    case "multiply": {
      const once = node.inputs[0] !== node.inputs[1];
      return once && offset.every(isZero) ? intoReaders(draft, node.name, affine) : undefined;
    }
    default:
      return undefined;
  }
}

/** Of an affine that stands behind: x * gain + offset enters it. */
function composeInto(draft: Draft, name: string, { gain, offset }: Affine): void {
  const node = draft.nodes.get(name) as NodeOf<"affine">;
  const channels = channelsOf(node);
  const [g, o] = [byChannel(node.gain, channels), byChannel(node.offset, channels)];
  draft.nodes.set(name, {
    ...node,
    gain: g.map((x, c) => x * gain[c]!),
    offset: o.map((x, c) => x + g[c]! * offset[c]!),
  });
}

/** Weights whose inputs come without the affine. Channels and units fall into `groups` parts. */
function scaleInputs({ weights, bias }: DraftConstants, { gain, offset }: Affine, groups: number): void {
  const units = bias.length;
  const inputs = weights.length / units;
  const channels = gain.length / groups;
  for (let u = 0; u < units; u++) {
    const first = Math.floor(u / (units / groups)) * channels;
    for (let k = 0; k < inputs; k++) {
      const c = first + (k % channels);
      bias[u] = bias[u]! + weights[u * inputs + k]! * offset[c]!;
      weights[u * inputs + k]! *= gain[c]!;
    }
  }
}

// Through what only moves elements

/** A flatten, a reshape or a move. */
type Move = DraftNode & { readonly input: string };

/** For each element of the result its source; -1 where a pad's value stands. */
function sourcesOfMove(draft: Draft, node: Move): Int32Array {
  const before = draft.nodes.get(node.input)!;
  if (node.kind === "flatten" || node.kind === "reshape")
    return Int32Array.from({ length: product(node.shape) }, (_, e) => e);
  return sourcesOf(node as MoveOperator, before.shape, node.shape);
}

/** Zeros stay zeros under a gain alone. */
function mayPass(node: DraftNode, { offset }: Affine): boolean {
  return node.kind !== "pad" || (node.value === 0 && offset.every(isZero));
}

/** The affine behind a move as one before it; undefined where channels do not stay together. */
function beforeMove(draft: Draft, node: Move, affine: Affine): Affine | undefined {
  if (!mayPass(node, affine)) return undefined;
  const before = draft.nodes.get(node.input)!;
  const collected = createCollected(channelsOf(before));
  const channels = channelsOf(node);
  return sourcesOfMove(draft, node).every(
    (source, e) => source < 0 || collected.put(source % channelsOf(before), affine, e % channels),
  )
    ? collected.affine
    : undefined;
}

/** The affine before a move as one behind it. */
function behindMove(draft: Draft, node: Move, affine: Affine): Affine | undefined {
  if (!mayPass(node, affine)) return undefined;
  const before = channelsOf(draft.nodes.get(node.input)!);
  const collected = createCollected(channelsOf(node));
  const channels = channelsOf(node);
  return sourcesOfMove(draft, node).every(
    (source, e) => source < 0 || collected.put(e % channels, affine, source % before),
  )
    ? collected.affine
    : undefined;
}

interface Collected {
  readonly affine: { readonly gain: FileNumbers; readonly offset: FileNumbers };
  /** Whether a channel has the same as its earlier elements. */
  put(channel: number, from: Affine, at: number): boolean;
}

function createCollected(channels: number): Collected {
  const gain = new Float64Array(channels).fill(1);
  const offset = new Float64Array(channels);
  const isKnown = new Uint8Array(channels);
  return {
    affine: { gain, offset },
    put(channel, from, at) {
      const [g, o] = [from.gain[at]!, from.offset[at]!];
      if (isKnown[channel]) return gain[channel] === g && offset[channel] === o;
      isKnown[channel] = 1;
      gain[channel] = g;
      offset[channel] = o;
      return true;
    },
  };
}
