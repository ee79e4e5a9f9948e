// Frames on a board's serial line, as templates/board/nf_frame_in.v takes them and nf_frame_out.v gives them. In: packets. Out:
// bytes; and the answers read back from bytes.
import type { StreamPort } from "../program/manifest.ts";

const REQUEST_MARK = [0x4e, 0x46];
const ANSWER_MARK = [0x6e, 0x66];
/** Number, status, length in three bytes, check sum. */
const ANSWER_HEAD = 5;

/** What an answer says by its status; 0 is a result. */
export const STATUSES = {
  result: 0,
  badLength: 1,
  badSum: 2,
  timeout: 3,
  brokenByte: 4,
  busy: 5,
} as const;

/** CRC-16 of polynomial 1021, from ffff, highest bit first. */
export function checkSum(bytes: Iterable<number>): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc;
}

/** A frame to the board. */
export function requestFrame(number: number, packet: Uint8Array): Uint8Array {
  const { length } = packet;
  const summed = [number & 255, length & 255, (length >> 8) & 255, (length >> 16) & 255, ...packet];
  const crc = checkSum(summed);
  return Uint8Array.from([...REQUEST_MARK, ...summed, crc >> 8, crc & 255]);
}

/** Bytes of an answer with a packet of so many. */
export const answerBytes = (packetBytes: number): number => 2 + ANSWER_HEAD + packetBytes + 2;
/** Bytes of a frame with a packet of so many. */
export const requestBytes = (packetBytes: number): number => 2 + 4 + packetBytes + 2;

export interface Answer {
  readonly number: number;
  readonly status: number;
  readonly packet: Uint8Array;
}

/** Answers in a row with nothing between them; `rest` is where that ends. */
export function readAnswers(bytes: Uint8Array): {
  readonly answers: readonly Answer[];
  readonly rest: number;
} {
  const answers: Answer[] = [];
  let at = 0;
  while (at + answerBytes(0) <= bytes.length) {
    const head = bytes.subarray(at + 2, at + 2 + ANSWER_HEAD);
    const length = head[2]! + 256 * head[3]! + 65536 * head[4]!;
    const end = at + answerBytes(length);
    const isMarked = bytes[at] === ANSWER_MARK[0] && bytes[at + 1] === ANSWER_MARK[1];
    if (!isMarked || end > bytes.length || checkSum(bytes.subarray(at + 2, end)) !== 0) break;
    const packet = bytes.slice(at + 2 + ANSWER_HEAD, end - 2);
    answers.push({ number: head[0]!, status: head[1]!, packet });
    at = end;
  }
  return { answers, rest: at };
}

/** Packets that an output port gives: lanes extended to whole bytes, lowest byte first, 0 where the last beat has no element. */
export function outputPackets(
  port: StreamPort,
  values: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
): readonly Uint8Array[] {
  const laneBytes = port.laneBits / 8;
  return Array.from({ length: count }, (_, n) => {
    const bytes = new Uint8Array(port.beats * port.lanes * laneBytes);
    let at = 0;
    for (const { value, elements, beats } of port.values) {
      const rows = values.get(value)!;
      for (let e = 0; e < elements; e++) {
        let rest = rows[n * elements + e]!;
        for (let b = 0; b < laneBytes; b++) {
          const low = ((rest % 256) + 256) % 256;
          bytes[at + e * laneBytes + b] = low;
          rest = (rest - low) / 256;
        }
      }
      at += beats * port.lanes * laneBytes;
    }
    return bytes;
  });
}
