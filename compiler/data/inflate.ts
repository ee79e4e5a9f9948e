// Deflate streams of untrusted files. In: bytes, and how many they may become. Out: the content. The inflater's own limit
// on its result cuts it off in silence and unpacks the rest all the same, so it gets the bytes piece by piece here.
import { Inflate, Unzlib } from "fflate/browser";

/** Deflate makes at most 1032 bytes of one, so a piece of this size becomes less than 5 MB before the limit is checked. */
const PIECE_BYTES = 4096;

/** A stream of fflate. */
interface Stream {
  push(piece: Uint8Array, isLast: boolean): void;
}

/** Gives all bytes to a stream, whose receiver may throw after any piece. */
export function pushInPieces(stream: Stream, bytes: Uint8Array): void {
  let at = 0;
  do {
    const end = Math.min(at + PIECE_BYTES, bytes.length);
    stream.push(bytes.subarray(at, end), end === bytes.length);
    at = end;
  } while (at < bytes.length);
}

/** Thrown where a stream holds more than it may. */
export class TooMuchInflated extends Error {
  constructor(limit: number) {
    super(`it unpacks to more than ${limit} bytes`);
    this.name = "TooMuchInflated";
  }
}

/**
 * The content of a stream, raw as zip has it or with zlib's header. Throws TooMuchInflated soon after the limit, before
 * more is unpacked, and the inflater's plain errors; checksums are the caller's.
 */
export function inflate(packed: Uint8Array, kind: "raw" | "zlib", limit: number): Uint8Array {
  const content = new Uint8Array(limit);
  let total = 0;
  const take = (piece: Uint8Array): void => {
    if (total + piece.length > limit) throw new TooMuchInflated(limit);
    content.set(piece, total);
    total += piece.length;
  };
  pushInPieces(kind === "raw" ? new Inflate(take) : new Unzlib(take), packed);
  return content.subarray(0, total);
}
