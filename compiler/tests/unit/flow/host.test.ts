// The script that goes with a board, against a board that is played by this test on a TCP port.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { boardNamed } from "../../../boards/boards.ts";
import { encodeNpy } from "../../../data/npy.ts";
import { createBoardTop } from "../../../flow/board-top.ts";
import { createHostFiles } from "../../../flow/host-files.ts";
import { simulate } from "../../../sim/simulate.ts";
import { knownAnswers } from "../../../verify/board.ts";
import { checkSum, outputPackets, readAnswers, requestBytes, STATUSES } from "../../../verify/frames.ts";
import { designOf } from "../verify/designs.ts";
import { tinyProgram } from "./designs.ts";

const program = tinyProgram();
const design = designOf(program, { outputs: "logits" });
const rtl = design.manifest.rtl!;
const answers = knownAnswers(program, rtl, undefined, 6, 1);
let folder: string;

/** An answer as nf_frame_out gives it. */
function answerFrame(number: number, status: number, packet: Uint8Array): Uint8Array {
  const summed = [number, status, packet.length & 255, packet.length >> 8, 0, ...packet];
  const crc = checkSum(summed);
  return Uint8Array.from([0x6e, 0x66, ...summed, crc >> 8, crc & 255]);
}

/** Plays the board: computes what it is sent. `answer` may change what is said to the frame that came as so many-th. */
async function withBoard<T>(
  answer: (count: number, number: number, packet: Uint8Array) => readonly Uint8Array[],
  work: (port: string) => Promise<T>,
  /** Milliseconds between the parts of an answer. */
  pause = 0,
): Promise<T> {
  const size = requestBytes(rtl.inputs[0]!.beats * rtl.inputs[0]!.lanes);
  const server = createServer((socket) => {
    let waiting = Buffer.alloc(0);
    let [count, later] = [0, 0];
    socket.on("data", (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      for (; waiting.length >= size; waiting = waiting.subarray(size)) {
        const frame = waiting.subarray(0, size);
        expect(frame.subarray(0, 2).toString()).toBe("NF");
        expect(checkSum(frame.subarray(2))).toBe(0);
        const parts = answer(count++, frame[2]!, frame.subarray(6, size - 2));
        if (pause === 0) for (const part of parts) socket.write(part);
        else for (const part of parts) setTimeout(() => socket.write(part), pause * ++later);
      }
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    server.close();
  }
}

function computed(packet: Uint8Array): Uint8Array {
  const x = Int32Array.from(packet.subarray(0, 4), (byte) => byte & 15);
  return outputPackets(rtl.outputs[0]!, simulate(program, new Map([["x", x]]), 1).values, 1)[0]!;
}

const honest = (_: number, number: number, packet: Uint8Array) => [
  answerFrame(number, STATUSES.result, computed(packet)),
];

async function script(...words: string[]): Promise<{ status: number | null; out: string; said: string }> {
  const child = spawn(process.execPath, [join(folder, "send.mjs"), ...words]);
  let [out, said] = ["", ""];
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    said += text;
  });
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, out, said };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "host-"));
  const board = createBoardTop(rtl, boardNamed("hx8k-evn")!, { clockMHz: 12 });
  for (const [path, text] of createHostFiles(design.manifest, board, answers))
    writeFileSync(join(folder, path), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the script of a board", () => {
  it("sends the known answers and finds no difference", async () => {
    const { status, out } = await withBoard(honest, (port) => script(port));
    expect([status, out]).toEqual([0, "6 known answers, 0 differences\n"]);
  });

  it("goes on behind noise, and where the board was busy or heard a frame wrongly", async () => {
    const moody = (count: number, number: number, packet: Uint8Array) => {
      if (count === 1) return [answerFrame(number, STATUSES.busy, new Uint8Array(0))];
      if (count === 3) return [answerFrame(number, STATUSES.badSum, new Uint8Array(0))];
      const noise = Uint8Array.from([0x6e, 0x66, 1, 0, 255, 255, 255, 0x6e]);
      return count === 0 ? [noise, ...honest(count, number, packet)] : honest(count, number, packet);
    };
    const { status, out, said } = await withBoard(moody, (port) => script(port));
    expect([status, out], said).toEqual([0, "6 known answers, 0 differences\n"]);
  });

  it("waits for the rest of an answer that comes in parts", async () => {
    const slow = (count: number, number: number, packet: Uint8Array) => {
      const [whole] = honest(count, number, packet) as [Uint8Array];
      return [whole.subarray(0, 3), whole.subarray(3)];
    };
    const { status, out, said } = await withBoard(slow, (port) => script(port), 20);
    expect([status, out], said).toEqual([0, "6 known answers, 0 differences\n"]);
  });

  it("ends with 1 when an answer is wrong, and says which", async () => {
    const wrong = (count: number, number: number, packet: Uint8Array) => {
      const right = computed(packet);
      return [answerFrame(number, STATUSES.result, count === 2 ? right.map((b) => b ^ 4) : right)];
    };
    const { status, out } = await withBoard(wrong, (port) => script(port));
    expect(status).toBe(1);
    expect(out).toMatch(/^2: expected [0-9a-f]+, got [0-9a-f]+\n6 known answers, 1 differences\n$/);
  });

  it("says that the board has another design", async () => {
    const other = (_: number, number: number) => [answerFrame(number, STATUSES.badLength, new Uint8Array(0))];
    const { status, said } = await withBoard(other, (port) => script(port));
    expect(status).toBe(1);
    expect(said).toMatch(/^error: the board expects packets of another length/);
  });

  it("prints the values of samples, stored or real, from .npy and .json", async () => {
    const stored = [
      [0, 15, 3, 8],
      [1, 2, 3, 4],
    ];
    const { values } = simulate(program, new Map([["x", Int32Array.from(stored.flat())]]), 2);
    const y = [...(values.get(rtl.outputs[0]!.values[0]!.value) as ArrayLike<number> & Iterable<number>)];
    const expected = `${JSON.stringify(y.slice(0, 2))}\n${JSON.stringify(y.slice(2))}\n`;
    writeFileSync(join(folder, "s.npy"), encodeNpy([2, 4], "uint8", stored.flat()));
    const real = Float64Array.from(stored.flat(), (x) => (x + 0.25) / 16);
    writeFileSync(join(folder, "r.npy"), encodeNpy([2, 4], "float64", real));
    writeFileSync(join(folder, "s.json"), JSON.stringify(stored));
    for (const file of ["s.npy", "r.npy", "s.json"]) {
      const { status, out } = await withBoard(honest, (port) => script(port, join(folder, file)));
      expect([file, status, out]).toEqual([file, 0, expected]);
    }
    writeFileSync(join(folder, "bad.json"), "[[1, 2, 3, 16]]");
    const refused = await withBoard(honest, (port) => script(port, join(folder, "bad.json")));
    expect([refused.status, refused.said]).toEqual([1, "error: 16 is no integer from 0 to 15\n"]);
  });

  it("has a line to say where nothing is there", async () => {
    const nothing = await script();
    expect([nothing.status, nothing.said]).toEqual([
      2,
      "usage: node send.mjs PORT [SAMPLES] [--limit N]; the port is that of the FT2232H, its second port\n",
    ]);
    const { status, said } = await script("/dev/none");
    expect(status).toBe(1);
    expect(said).toContain("/dev/none");
  });

  it("reads answers as the test bench does", () => {
    const frames = [3, 4].map((n) => answerFrame(n, 0, Uint8Array.from([n, 9])));
    const { answers: read, rest } = readAnswers(Uint8Array.from(frames.flatMap((f) => [...f])));
    expect(read.map(({ number, packet }) => [number, ...packet])).toEqual([
      [3, 3, 9],
      [4, 4, 9],
    ]);
    expect(rest).toBe(frames[0]!.length * 2);
  });
});
