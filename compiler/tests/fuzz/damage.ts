// Ways to spoil an input, for all readers. In: something sound and a stream of random numbers. Out: bytes, text or JSON that
// is a little off, or far.
import type { RandomStream } from "../../support/random.ts";
import { decodeUtf8, encodeUtf8 } from "../../support/text.ts";
import { pick } from "./fuzz-reader.ts";

/** How many places are changed: one most often, or nearly nothing would be read to its end. */
const editCount = (random: RandomStream): number => pick(random, [1, 1, 1, 1, 2, 2, 3, 4]);

const BYTES = [0, 1, 2, 8, 0x0a, 0x20, 0x22, 0x2c, 0x2d, 0x30, 0x5b, 0x7b, 0x7f, 0x80, 0xff];
/** Counts and offsets as files declare them: small ones off by one, large ones at the borders of their types. */
const COUNTS = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x1000000];

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function writeCount(bytes: Uint8Array, at: number, random: RandomStream): void {
  const size = pick(random, [2, 4, 4, 8]);
  const isLittle = random.integer(0, 3) > 0;
  const value = BigInt(pick(random, COUNTS)) << (size === 8 && random.integer(0, 3) === 0 ? 32n : 0n);
  for (let i = 0; i < size && at + i < bytes.length; i++)
    bytes[at + i] = Number((value >> BigInt(8 * (isLittle ? i : size - 1 - i))) & 0xffn);
}

/** One to four places of a file overwritten, flipped, removed, repeated, moved, declared otherwise; sometimes it is cut off. */
export function damagedBytes(bytes: Uint8Array, random: RandomStream): Uint8Array {
  let all = new Uint8Array(bytes);
  for (let edits = editCount(random); edits > 0; edits--) {
    if (all.length === 0) return all;
    const at = random.integer(0, all.length - 1);
    const length = random.integer(1, 8);
    const [before, piece, behind] = [all.subarray(0, at), all.slice(at, at + length), all.subarray(at)];
    switch (random.integer(0, 9)) {
      case 0:
      case 1:
        all.fill(random.integer(0, 1) ? pick(random, BYTES) : random.integer(0, 255), at, at + length);
        break;
      case 2:
      case 3:
        all[at]! ^= 1 << random.integer(0, 7);
        break;
      case 4:
        all = joined(before, all.subarray(at + length));
        break;
      case 5:
        all = joined(before, piece, behind);
        break;
      case 6:
        all = joined(before, new Uint8Array(length).fill(pick(random, BYTES)), behind);
        break;
      case 7:
        writeCount(all, at, random);
        break;
      case 8: {
        const to = random.integer(0, all.length - 1);
        all.copyWithin(to, at, at + length);
        break;
      }
      default:
        if (random.integer(0, 4) === 0) all = all.slice(0, at);
    }
  }
  return all;
}

/** Bytes without sense, sometimes behind the start of a file. */
export function madeUpBytes(start: Uint8Array, random: RandomStream): Uint8Array {
  const kept = random.integer(0, 2) === 0 ? 0 : random.integer(0, start.length);
  const rest = Uint8Array.from({ length: random.integer(0, 300) }, () => random.integer(0, 255));
  return joined(start.subarray(0, kept), rest);
}

/** Names that mean something elsewhere: to objects, paths, shells and the languages that are generated. */
export const STRANGE_NAMES: readonly string[] = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "../x",
  "../../etc/passwd",
  "/",
  "a/b",
  "..",
  "-o",
  "$(id)",
  "; rm -rf /",
  "*/ int x; /*",
  "`define",
  "{{this}}",
  "a\nb",
  "\u0000",
  "\u202e",
  "é",
  "😀",
  "x".repeat(300),
];

export const STRANGE_NUMBERS: readonly number[] = [
  0,
  1,
  -1,
  2,
  3,
  4,
  7,
  0.5,
  16,
  255,
  -128,
  1024,
  65_536,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 32,
  1e9,
  2 ** 53,
  -(2 ** 53),
  1e308,
  5e-324,
];

/** Stands for the key `__proto__`, which an object literal cannot hold, until the text is made. */
const PROTO_KEY = "\u{1f4a3}proto";

/** Stands for so many lists in each other, which no writer of JSON would get through. */
const DEEP = "\u{1f4a3}deep";
const DEEP_PATTERN = new RegExp(`"${DEEP}(\\d+)"`, "gu");

/** Text of a value of `changedJson`. */
export function jsonText(json: unknown, deepest = 200_000): string {
  return JSON.stringify(json)
    .replaceAll(PROTO_KEY, "__proto__")
    .replace(DEEP_PATTERN, (_, digits: string) => {
      const depth = Math.min(Number(digits), deepest);
      return `${"[".repeat(depth)}1${"]".repeat(depth)}`;
    });
}

type Holder = Record<string, unknown> | unknown[];

/** Every place in plain data that holds something. */
export function placesOf(
  data: unknown,
  found: [Holder, string | number][] = [],
): [Holder, string | number][] {
  if (data === null || typeof data !== "object" || data instanceof Uint8Array) return found;
  for (const key of Object.keys(data)) {
    found.push([data as Holder, Array.isArray(data) ? Number(key) : key]);
    placesOf((data as Record<string, unknown>)[key], found);
  }
  return found;
}

function otherValue(value: unknown, strange: readonly unknown[], random: RandomStream): unknown {
  const kind = random.integer(0, 9);
  if (kind < 3 && typeof value === "number") return kind === 0 ? value + 1 : kind === 1 ? value - 1 : -value;
  if (kind < 5 && typeof value === "number") return pick(random, STRANGE_NUMBERS);
  if (kind < 4 && typeof value === "string") return pick(random, STRANGE_NAMES);
  if (kind === 9 && random.integer(0, 9) === 0) return `${DEEP}${pick(random, [2, 60, 2000, 200_000])}`;
  return structuredClone(pick(random, strange));
}

/** One to four values of JSON changed, removed, repeated, moved, or given another key. */
export function changedJson(json: unknown, strange: readonly unknown[], random: RandomStream): unknown {
  const copy = [structuredClone(json)];
  for (let edits = editCount(random); edits > 0; edits--) {
    const places = placesOf(copy[0]);
    if (places.length === 0) break;
    // The long lists of numbers would take nearly all changes: half of them go to what is no number.
    const others = places.filter(
      ([holder, key]) => typeof (holder as Record<string, unknown>)[key] !== "number",
    );
    const [holder, key] = pick(random, others.length > 0 && random.integer(0, 1) === 0 ? others : places);
    const fields = holder as Record<string | number, unknown>;
    const kind = random.integer(0, 7);
    if (kind === 0) {
      if (Array.isArray(holder)) holder.splice(key as number, 1);
      else delete fields[key];
    } else if (kind === 1) {
      const [from, other] = pick(random, places);
      const moved = structuredClone((from as Record<string, unknown>)[other]);
      if (Array.isArray(holder)) holder.splice(key as number, 0, moved);
      else fields[key] = moved;
    } else if (kind === 2) {
      if (Array.isArray(holder)) holder.push(structuredClone(fields[key]));
      else fields[pick(random, [...STRANGE_NAMES, PROTO_KEY])] = structuredClone(fields[key]);
    } else fields[key] = otherValue(fields[key], strange, random);
  }
  return copy[0];
}

const TOKEN = /\s+|[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d+)?|"[^"]*"|->|[^\s]/gu;

/** One to four words of a text exchanged, removed, repeated or inserted. */
export function changedText(bytes: Uint8Array, words: readonly string[], random: RandomStream): Uint8Array {
  const tokens: string[] = decodeUtf8(bytes)?.match(TOKEN) ?? [];
  for (let edits = editCount(random); edits > 0 && tokens.length > 0; edits--) {
    const at = random.integer(0, tokens.length - 1);
    const kind = random.integer(0, 6);
    if (kind === 0) tokens.splice(at, 1);
    else if (kind === 1) tokens.splice(at, 0, tokens[at]!);
    else if (kind === 2) tokens.splice(at, 0, ` ${pick(random, words)} `);
    else if (kind === 3) tokens[at] = pick(random, tokens);
    else if (kind === 4)
      tokens.splice(at, 0, ...tokens.slice(random.integer(0, tokens.length - 1)).slice(0, 12));
    else tokens[at] = /^\d/.test(tokens[at]!) ? `${pick(random, STRANGE_NUMBERS)}` : pick(random, words);
  }
  return encodeUtf8(tokens.join(""));
}
