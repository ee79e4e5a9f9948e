// Operators that rearrange elements, and the largest of a window. In: such a node and integers. Out: the instruction, and
// which channel each channel of the result comes from.
import type { ImportedNode } from "../../graph/imported.ts";
import { MAX_TENSOR_WIDTH } from "../../program/constraints.ts";
import { elementsOf, mantissaRange } from "../../program/program.ts";
import { compilerAssert, InternalError } from "../../support/assert.ts";
import { rationalOf } from "../../support/rational.ts";
import {
  type Chain,
  channelsOfChain,
  directionOf,
  type Grid,
  gridChain,
  gridOf,
  integerFor,
  regridded,
  sameChannel,
  withChannels,
} from "./chain.ts";
import {
  describeNode,
  type Emitted,
  type Lowering,
  layerOf,
  type Move,
  refuse,
  refuseInput,
  type Settled,
  type Tensor,
} from "./context.ts";
import { AS_IT_IS, biasOf, emit, valueSource, widthOfEmitted } from "./sources.ts";

/** What a node moves, from a tensor of the given shape. */
export function moveOf(node: ImportedNode, from: readonly number[]): Move {
  const last = from.length - 1;
  const keepsChannels = ((): boolean => {
    switch (node.kind) {
      case "reshape":
      case "flatten":
        return node.shape.at(-1) === from.at(-1);
      case "select":
        return false;
      case "slice":
        return node.begin[last] === 0 && node.sizes[last] === from[last];
      case "transpose":
        return node.permutation[last] === last;
      case "pad":
        return node.padding.before[last] === 0 && node.padding.after[last] === 0;
      case "upsample":
      case "pool":
        return true;
      default:
        throw new InternalError(`exact: ${node.kind} moves nothing`);
    }
  })();
  return { node, shape: node.shape, keepsChannels, compares: node.kind === "pool" };
}

/** A tensor behind a move: at once where its integers are a value, else when it is quantized. */
export function moved(tensor: Tensor, move: Move, lowering: Lowering): Tensor {
  const { source, chain } = tensor;
  if (source.kind === "value" && tensor.moves.length === 0) return moveNow(tensor, move, lowering);
  // A pad puts a real number where the integers are not known yet; sums are reshaped and cut like anything.
  const { kind } = move.node;
  const alone = tensor.moves.length === 0 && source.kind !== "port" && channelsOfChain(chain) > 1;
  if (kind === "pad" || (alone && (kind === "flatten" || kind === "reshape") && !move.keepsChannels))
    return doneNow(withoutMoves(tensor, move.node, lowering), move, lowering);
  return { ...tensor, moves: [...tensor.moves, move], shape: move.shape };
}

function doneNow(tensor: Tensor, move: Move, lowering: Lowering): Tensor {
  return moveNow(asValue(tensor, lowering) ?? plainValue(tensor, lowering), move, lowering);
}

/** The integers of a tensor with all its moves done, for `reader`; the chain stands behind them. */
export function withoutMoves(tensor: Tensor, reader: ImportedNode, lowering: Lowering): Tensor {
  const { source, moves } = tensor;
  if (source.kind === "port") return refuseInput(source.node, source.node, reader, lowering);
  if (moves.length === 0) return tensor;
  const pool = moves.find((move) => move.compares);
  const start = asValue(tensor, lowering);
  if (pool && !start)
    return refuse(pool.node, "import/exact-falling-pool", { node: describeNode(pool.node) });
  return moves.reduce((at, move) => moveNow(at, move, lowering), start ?? plainValue(tensor, lowering));
}

/** The integers of a tensor as a value that rises with the real numbers; null where these rise and fall. */
function asValue(tensor: Tensor, lowering: Lowering): Tensor | null {
  const { source, chain } = tensor;
  const multipliers = Array.from({ length: channelsOfChain(chain) }, (_, c) => directionOf(chain, c));
  if (multipliers.includes(null)) return null;
  const isPlain = multipliers.every((m) => m === 1);
  const offsets = isPlain ? ownBias(tensor) : [0];
  const demand = { ...AS_IT_IS, multipliers: multipliers as readonly number[], offsets };
  const emitted = emit(source, demand, lowering);
  return withValue(tensor, emitted, regridded(chain, demand.multipliers, offsets));
}

function plainValue(tensor: Tensor, lowering: Lowering): Tensor {
  const offsets = ownBias(tensor);
  const emitted = emit(tensor.source, { ...AS_IT_IS, offsets }, lowering);
  return withValue(tensor, emitted, regridded(tensor.chain, [1], offsets));
}

/** Whole biases of a product, which comes before what moves its sums. */
function ownBias({ source, chain }: Tensor): readonly number[] {
  const grid = gridOf(chain.slice(0, 1));
  return (grid && biasOf(source, grid)) ?? [0];
}

function withValue({ source }: Tensor, emitted: Emitted, chain: Chain): Tensor {
  return { source: valueSource(source.node, emitted), chain, moves: [], shape: emitted.shape };
}

function moveNow(tensor: Tensor, move: Move, lowering: Lowering): Tensor {
  const { source, chain } = tensor;
  compilerAssert(source.kind === "value", "exact: what moves is a value");
  const grid = gridOf(chain);
  if (move.compares) checkRising(move, chain);
  const emitted = performed(source.value, move, grid, lowering);
  return {
    source: valueSource(move.node, emitted),
    chain: movedChain(chain, move, source.value.shape),
    moves: [],
    shape: move.shape,
  };
}

function checkRising(move: Move, chain: Chain): void {
  for (let c = 0; c < channelsOfChain(chain); c++)
    if (directionOf(chain, c) !== 1)
      refuse(move.node, "import/exact-falling-pool", { node: describeNode(move.node) });
}

/** Integers of some levels behind the moves that waited for them. */
export function movedSettled(settled: Settled, moves: readonly Move[], lowering: Lowering): Settled {
  return moves.reduce<Settled>(({ emitted, grid }, move) => {
    const chain = gridChain(grid);
    if (move.compares) checkRising(move, chain);
    const next = performed(emitted, move, grid, lowering);
    return { emitted: next, grid: gridOf(movedChain(chain, move, emitted.shape))! };
  }, settled);
}

/** The instruction of a move. `grid` says what a pad's number is as an integer. */
function performed(input: Emitted, { node, shape }: Move, grid: Grid | null, lowering: Lowering): Emitted {
  const { builder } = lowering;
  const width = widthOfEmitted(input);
  const isCopy = node.kind === "reshape" || node.kind === "flatten" || node.kind === "slice";
  if (!isCopy && width > MAX_TENSOR_WIDTH)
    refuse(node, "import/exact-too-wide", {
      node: describeNode(node),
      operation: node.kind,
      width,
      limit: MAX_TENSOR_WIDTH,
    });
  const name = lowering.name(node.name);
  const step = { layer: layerOf(node), name, input: input.name };
  // Which channel is which has to stay clear while ranges are kept by channel.
  const done: Emitted = { ...input, name, shape, ranges: [spanOf(input)] };
  switch (node.kind) {
    case "reshape":
    case "flatten":
      builder.reshape({ ...step, shape });
      return done;
    case "select":
      builder.select({ ...step, indices: node.indices });
      return done;
    case "slice":
      builder.slice({ ...step, begin: node.begin, size: node.sizes });
      return done;
    case "transpose":
      builder.transpose({ ...step, permutation: node.permutation });
      return done;
    case "upsample":
      builder.upsample({ ...step, factors: node.factors });
      return done;
    case "pool": {
      const { window, strides, padding } = node;
      builder.pool({ ...step, kind: "max", window, strides, padding });
      return done;
    }
    case "pad": {
      const integer = grid && integerFor(grid, rationalOf(node.value));
      const { min, max } = mantissaRange(input.format);
      if (input.format.kind !== "int" || integer === null || integer < BigInt(min) || integer > BigInt(max))
        return refuse(node, "import/exact-padding", { node: describeNode(node) });
      builder.pad({ ...step, ...node.padding, mantissa: Number(integer) });
      const span = spanOf(input);
      const around = { min: Math.min(span.min, Number(integer)), max: Math.max(span.max, Number(integer)) };
      return { ...done, ranges: [around] };
    }
    default:
      throw new InternalError(`exact: ${node.kind} moves nothing`);
  }
}

function spanOf({ ranges }: Emitted): Emitted["ranges"][number] {
  return {
    min: Math.min(...ranges.map((r) => r.min)),
    max: Math.max(...ranges.map((r) => r.max)),
  };
}

/** The chain in the channels of a move's result. */
function movedChain(chain: Chain, move: Move, from: readonly number[]): Chain {
  if (move.keepsChannels || channelsOfChain(chain) === 1) return chain;
  const channels = from.at(-1)!;
  const to = move.shape.at(-1)!;
  const origin = new Array<number>(to).fill(-1);
  const elements = elementsOf(move.shape);
  for (let e = 0; e < elements; e++) {
    const source = sourceOf(e, move, from);
    if (source < 0) continue;
    const [c, target] = [source % channels, e % to];
    if (origin[target] === -1) origin[target] = c;
    else if (origin[target] !== c && !sameChannel(chain, origin[target]!, c))
      refuse(move.node, "import/exact-channel-scales", { node: describeNode(move.node) });
  }
  return withChannels(
    chain,
    origin.map((c) => Math.max(0, c)),
  );
}

/** Index of the element that element `e` of the result is a copy of; -1 of a pad. */
function sourceOf(e: number, { node, shape }: Move, from: readonly number[]): number {
  if (node.kind === "reshape" || node.kind === "flatten") return e;
  if (node.kind === "select") return node.indices[e]!;
  const place = new Array<number>(shape.length).fill(0);
  for (let a = shape.length - 1, rest = e; a >= 0; a--) {
    place[a] = rest % shape[a]!;
    rest = Math.floor(rest / shape[a]!);
  }
  const source = place.slice();
  if (node.kind === "slice") for (const [a, first] of node.begin.entries()) source[a]! += first;
  if (node.kind === "pad") for (const [a, before] of node.padding.before.entries()) source[a]! -= before;
  if (node.kind === "transpose") for (const [a, axis] of node.permutation.entries()) source[axis] = place[a]!;
  let index = 0;
  for (const [a, size] of from.entries()) {
    const own = source[a]!;
    if (own < 0 || own >= size) return -1;
    index = index * size + own;
  }
  return index;
}
