// gzip files. In: bytes, one or several members. Out: the content, after every member's CRC and length agreed.
// The inflater checks neither, and takes a truncated stream for a short one: the checks here are what counts.
import { Gunzip } from "fflate/browser";
import { fail } from "../support/diagnostics.ts";
import { crc32 } from "./crc32.ts";
import { pushInPieces } from "./inflate.ts";
import { DATA_LIMITS, type DataSource } from "./numeric-array.ts";

const MAX_MEMBERS = 4096;
/** Header of ten bytes, an empty deflate block of two, trailer of eight. */
const SMALLEST_MEMBER = 20;
const TRAILER_BYTES = 8;

/** Whether the bytes start like a gzip file. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

interface Member {
  readonly start: number;
  crc: number;
  length: number;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/**
 * Decompressed content. Throws data/truncated, data/compressed (damaged, or followed by something else) and
 * data/too-large, the last before more than the limit is held.
 */
export function gunzip(bytes: Uint8Array, source: DataSource): Uint8Array {
  const { path, place } = source;
  const limit = (source.limits ?? DATA_LIMITS).bytes;
  const damaged = (problem: string): never => fail("data/compressed", { path, problem }, place);
  if (bytes.length < SMALLEST_MEMBER) {
    const what = "a gzip file";
    fail("data/truncated", { path, what, offset: 0, needed: SMALLEST_MEMBER, found: bytes.length }, place);
  }
  if (bytes[2] !== 8) damaged(`unknown compression method ${bytes[2]}`);

  const members: Member[] = [{ start: 0, crc: 0, length: 0 }];
  const pieces: Uint8Array[] = [];
  let total = 0;
  const stream = new Gunzip((piece) => {
    total += piece.length;
    if (total > limit)
      fail("data/too-large", { path, what: "decompressed bytes", found: total, limit }, place);
    const member = members.at(-1)!;
    member.crc = crc32(piece, member.crc);
    member.length += piece.length;
    if (piece.length > 0) pieces.push(piece);
  });
  stream.onmember = (start) => {
    if (members.length === MAX_MEMBERS) damaged(`more than ${MAX_MEMBERS} gzip members`);
    members.push({ start, crc: 0, length: 0 });
  };
  try {
    pushInPieces(stream, bytes);
  } catch (error) {
    // The inflater throws plain errors with a number as their code.
    if (error instanceof Error && typeof (error as { code?: unknown }).code === "number")
      damaged(error.message);
    throw error;
  }

  members.forEach((member, i) => {
    const trailer = (members[i + 1]?.start ?? bytes.length) - TRAILER_BYTES;
    if (trailer < member.start || word(bytes, trailer + 4) !== member.length)
      damaged("the length at the end does not match the content");
    if (word(bytes, trailer) !== member.crc) damaged("the checksum does not match the content");
  });

  const content = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    content.set(piece, at);
    at += piece.length;
  }
  return content;
}

/** The bytes themselves, or their content when they are a gzip file. */
export function gunzipIfNeeded(bytes: Uint8Array, source: DataSource): Uint8Array {
  return isGzip(bytes) ? gunzip(bytes, source) : bytes;
}
