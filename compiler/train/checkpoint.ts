// The state of a training run between two epochs, as plain data and as bytes. In and out: one or the other. Values
// are kept bit for bit, so that a resumed run ends with the weights of an uninterrupted one.
import type { JoinOperand } from "../graph/branches.ts";
import type { RemovedLayer, Score } from "../graph/trained-graph.ts";
import { fail } from "../support/diagnostics.ts";
import { decodeUtf8, encodeUtf8 } from "../support/text.ts";
import type { Sizes } from "./divergence.ts";
import type { FloatModel } from "./float-model.ts";
import type { Formats } from "./formats.ts";
import type { Bracket } from "./lossless.ts";
import type { Penalties } from "./noise-phase.ts";
import type { OptimizerState, ParameterSet } from "./optimizers.ts";
import type { Phase } from "./schedule.ts";

/** What an epoch ended with. */
export interface EpochRecord {
  readonly phase: Phase;
  /** Of the rounding phase: each one trains other formats. From 1. */
  readonly round: number;
  /** Finished epochs of the phase, or of its round, from 1. */
  readonly epoch: number;
  /** Means over the epoch's batches; no accuracy of a regression or of several outputs. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** Score on the validation samples of the network as the phase sees it. */
  readonly validation: Score;
  /** Of the formats that a freeze now would give; null while nothing is quantized. */
  readonly meanBits: number | null;
  readonly bitOperations: number | null;
}

/** Formats of a frozen network and what is left of its signals' channels. */
export interface Frozenness {
  readonly formats: Formats;
  readonly kept: readonly (readonly number[] | null)[];
}

export interface FrozenState extends Frozenness {
  readonly parameters: ParameterSet;
}

export interface Checkpoint {
  readonly schema: typeof CHECKPOINT_SCHEMA;
  readonly phase: Phase;
  /** Rounds of the rounding phase that are over. */
  readonly round: number;
  /** Finished epochs of the phase, or of its round. */
  readonly epoch: number;
  /** Epochs since the judged validation loss was lowest, that loss, and, where patience is set, the variables that had it. */
  readonly best: {
    readonly loss: number;
    readonly age: number;
    readonly parameters?: ParameterSet | undefined;
  } | null;
  readonly parameters: ParameterSet;
  readonly optimizer: OptimizerState;
  /** Weights of the costs per halving, in `lossUnit`. */
  readonly penalties: Penalties;
  readonly lossUnit: number;
  /** Null before the rounding phase. */
  readonly frozen: Frozenness | null;
  /** Channels of each signal that pruning left at the freeze, before bit allocation took any; null before the rounding phase. */
  readonly leftByPruning: Frozenness["kept"] | null;
  /** Branches that went at the freeze: operands of sums, and the layers that led to them. */
  readonly branches: { readonly operands: readonly JoinOperand[]; readonly layers: readonly RemovedLayer[] };
  /** Of a search for lossless formats: what was seen, and the smallest network that held. */
  readonly bracket: Bracket;
  readonly accepted: FrozenState | null;
  /** What divergence is measured against. */
  readonly sizes: Sizes;
  /** The float baseline once it is trained, with its score on the validation samples. */
  readonly baseline: { readonly model: FloatModel; readonly validation: Score } | null;
  readonly history: readonly EpochRecord[];
}

export const CHECKPOINT_SCHEMA = "noisefloor.checkpoint/6";

const MAGIC = 0x4e464350;
/** Magic, length of the JSON, length of the values, check sum. */
const HEADER = 16;

/** A typed array in the JSON: where its values are in the second part, in float32s. */
interface ArrayPlace {
  readonly $float32: readonly [offset: number, length: number];
}

function isArrayPlace(value: unknown): value is ArrayPlace {
  return typeof value === "object" && value !== null && "$float32" in value;
}

/** FNV-1a over bytes. */
function checksum(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h >>> 0;
}

/** Bytes of a checkpoint together with what it belongs to (digests of source and data, seed, backend, version). */
export function encodeCheckpoint(
  checkpoint: Checkpoint,
  identity: Readonly<Record<string, string>> = {},
): Uint8Array {
  const arrays: Float32Array[] = [];
  let values = 0;
  const json = JSON.stringify({ identity, checkpoint }, (_, value: unknown) => {
    if (!(value instanceof Float32Array)) return value;
    const place: ArrayPlace = { $float32: [values, value.length] };
    arrays.push(value);
    values += value.length;
    return place;
  });
  const text = encodeUtf8(json);
  const bytes = new Uint8Array(HEADER + text.length + values * 4);
  const view = new DataView(bytes.buffer);
  bytes.set(text, HEADER);
  let at = HEADER + text.length;
  for (const array of arrays) {
    for (let i = 0; i < array.length; i++, at += 4) view.setFloat32(at, array[i]!, true);
  }
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, text.length, true);
  view.setUint32(8, values, true);
  view.setUint32(12, checksum(bytes.subarray(HEADER)), true);
  return bytes;
}

/** Reads what `encodeCheckpoint` wrote. Throws `train/bad-checkpoint` for anything else. */
export function decodeCheckpoint(
  bytes: Uint8Array,
  path = "checkpoint",
): { readonly checkpoint: Checkpoint; readonly identity: Readonly<Record<string, string>> } {
  const bad = (problem: string): never => fail("train/bad-checkpoint", { problem }, { file: path });
  if (bytes.length < HEADER) bad("it is too short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) bad("it is no checkpoint");
  const textLength = view.getUint32(4, true);
  const values = view.getUint32(8, true);
  const start = HEADER + textLength;
  if (bytes.length !== start + values * 4) bad("it is cut off");
  if (view.getUint32(12, true) !== checksum(bytes.subarray(HEADER))) bad("its check sum is wrong");
  // A check sum is easily made right: whoever wrote it may have meant harm.
  let taken = 0;
  const arrayAt = ({ $float32: place }: ArrayPlace): Float32Array => {
    const [offset = Number.NaN, length = Number.NaN] = Array.isArray(place) ? place : [];
    const isInside = [offset, length, offset + length].every(
      (n) => Number.isSafeInteger(n) && n >= 0 && n <= values,
    );
    taken += length;
    if (!isInside || taken > values) return bad("it speaks of numbers that it does not have");
    const array = new Float32Array(length);
    for (let i = 0; i < length; i++) array[i] = view.getFloat32(start + (offset + i) * 4, true);
    return array;
  };
  let read: Partial<{ checkpoint: Partial<Checkpoint>; identity: unknown }> | null;
  try {
    const text = decodeUtf8(bytes.subarray(HEADER, start)) ?? "";
    read = JSON.parse(text, (_, value: unknown) => (isArrayPlace(value) ? arrayAt(value) : value));
  } catch (error) {
    if (error instanceof SyntaxError) return bad("it holds no JSON");
    throw error;
  }
  const { checkpoint, identity } = read ?? {};
  if (checkpoint?.schema !== CHECKPOINT_SCHEMA) return bad(`its schema is ${checkpoint?.schema}`);
  if (typeof identity !== "object" || identity === null || !Array.isArray(checkpoint.history))
    return bad("a part of it is missing");
  return { checkpoint: checkpoint as Checkpoint, identity: identity as Record<string, string> };
}

/** A deep copy: what was handed out does not change when training goes on. */
export function copyPlain<T>(plain: T): T {
  const copy = (value: unknown): unknown => {
    if (value instanceof Float32Array) return value.slice();
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, copy(v)]));
    return value;
  };
  return copy(plain) as T;
}
