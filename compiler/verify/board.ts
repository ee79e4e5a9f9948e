// The known-answer test of a board. In: a program, its manifest and Verilog, the board's top module, samples. Out: frames as a host
// sends them and what is answered, and how the board answers in simulation: bit by bit on its serial line, with garbage, broken
// frames and pauses between the good ones.
import type { RtlManifest } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { fixedFile, renderTemplate } from "../render/render.ts";
import { simulate } from "../sim/simulate.ts";
import type { FileSet } from "../support/file-set.ts";
import { createRandom } from "../support/random.ts";
import { doublesOf } from "./c.ts";
import {
  type Answer,
  answerBytes,
  outputPackets,
  readAnswers,
  requestBytes,
  requestFrame,
  STATUSES,
} from "./frames.ts";
import type { BackendResult } from "./result.ts";
import { rtlVectors, TIMEOUT_SECONDS } from "./rtl.ts";
import type { RtlRunner } from "./runners.ts";
import { packPackets } from "./stream-protocol.ts";
import { makeVectors, type Samples } from "./vectors.ts";

/** Packets into a board, and those that come back. */
export interface KnownAnswers {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** The first samples, and all synthetic vectors where there are no samples. */
export function knownAnswers(
  program: Program,
  manifest: RtlManifest,
  samples: Samples | undefined,
  count: number,
  seed: number,
): KnownAnswers {
  const [input, output] = [manifest.inputs[0]!, manifest.outputs[0]!];
  const all = rtlVectors(makeVectors(program, samples, seed), count);
  const number = Math.min(count, all.count);
  const packed = packPackets(input, all.inputs, number, seed);
  const size = packed.length / number;
  const { values } = simulate(program, all.inputs, all.count);
  return {
    inputs: Array.from({ length: number }, (_, n) => packed.slice(n * size, (n + 1) * size)),
    outputs: outputPackets(output, values, number),
  };
}

/** What the simulation has to know of a board's top module. */
export interface SimulatedBoard {
  readonly module: string;
  /** All Verilog, and memory images by bare name. */
  readonly verilog: FileSet;
  readonly memories: FileSet;
  /** Level of the button while nobody presses it; absent where the module has none. */
  readonly released?: 0 | 1;
  readonly clockMHz: number;
  readonly baud: number;
  readonly resetMicroseconds: number;
  readonly timeoutSeconds: number;
  /** Cycles of the core between two packets. */
  readonly intervalCycles: number;
}

/** One message on the line: silence, then bytes. */
export interface Message {
  readonly gapCycles: number;
  readonly bytes: Uint8Array;
  /** The last stop bit is low. */
  readonly broken?: boolean;
}

export interface BoardTask {
  readonly board: SimulatedBoard;
  readonly answers: KnownAnswers;
  readonly seed: number;
  readonly runner: RtlRunner;
  readonly tool: string;
  /** For people, such as the board hx8k-evn. */
  readonly what: string;
}

/** What was heard on the line. */
export interface Heard {
  readonly bytes: Uint8Array;
  /** Cycle in which each byte began. */
  readonly cycles: Float64Array;
  /** Bytes whose stop bit was low. */
  readonly broken: number;
}

/** Says messages to a board and listens until it is silent. Gives the simulator's words where it did not get that far. */
export async function talk(
  { board, seed, runner }: Pick<BoardTask, "board" | "seed" | "runner">,
  messages: readonly Message[],
  quietCycles: number,
): Promise<Heard | string> {
  const bit = Math.round((board.clockMHz * 1e6 * 65536) / board.baud);
  const words = [seed >>> 0, bit % 2 ** 32, Math.floor(bit / 2 ** 32), quietCycles, messages.length];
  for (const { gapCycles, bytes, broken } of messages) {
    words.push(gapCycles, broken ? 1 : 0, bytes.length);
    for (let b = 0; b < bytes.length; b += 4)
      words.push(
        (bytes[b]! |
          ((bytes[b + 1] ?? 0) << 8) |
          ((bytes[b + 2] ?? 0) << 16) |
          ((bytes[b + 3] ?? 0) << 24)) >>>
          0,
      );
  }
  const outcome = await runner.run({
    top: board.module,
    files: new Map([...board.verilog, ["pll.v", fixedFile("board/simulation/pll.v")]]),
    verilog: [...board.verilog.keys(), "pll.v"],
    driver: new Map([
      ["serial-dut.h", fixedFile("harness/serial-dut.h")],
      ["request.h", fixedFile("harness/request.h")],
      ["serial-driver.cpp", fixedFile("harness/serial-driver.cpp")],
    ]),
    binding: {
      path: "serial-dut.cpp",
      text: renderTemplate("harness/serial-dut.cpp", {
        button: board.released === undefined ? false : { released: board.released },
      }),
    },
    data: board.memories,
    request: new Uint8Array(Uint32Array.from([words.length, ...words]).buffer),
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  if (outcome.status === "rejected") return `Verilator refuses it:\n${outcome.log}`;
  if (outcome.status !== "done") return `its simulation stops: ${outcome.log}`;
  const said = doublesOf(outcome.output);
  const count = said[1]!;
  const at = (n: number, field: number): number => said[2 + 3 * n + field]!;
  const each = Array.from({ length: count }, (_, n) => n);
  return {
    bytes: Uint8Array.from(each, (n) => at(n, 1)),
    cycles: Float64Array.from(each, (n) => at(n, 0)),
    broken: each.filter((n) => at(n, 2) === 0).length,
  };
}

interface Expected {
  readonly status: number;
  readonly packet: Uint8Array;
}

/** A conversation, and what is to come back by the numbers of its frames. */
export interface Conversation {
  readonly messages: readonly Message[];
  readonly expected: readonly Expected[];
  readonly quietCycles: number;
}

/**
 * All answers asked for one after the other, as fast as line and core allow, with everything that can go wrong on a line before the
 * last ones.
 */
export function planConversation(board: SimulatedBoard, answers: KnownAnswers, seed: number): Conversation {
  const { inputs, outputs } = answers;
  const random = createRandom(seed, "serial line");
  const bitCycles = (board.clockMHz * 1e6) / board.baud;
  const byteCycles = 10 * bitCycles;
  const request = requestBytes(inputs[0]!.length) * byteCycles;
  // The slowest of line and core sets the pace: a board answers "busy" when more than a few wait.
  const pace = Math.max(
    request,
    (answerBytes(outputs[0]!.length) + 1) * byteCycles,
    board.intervalCycles + 16,
  );
  const pause = Math.ceil(pace - request);
  const settle = Math.ceil(8 * pace);
  const silence = Math.ceil(1.1 * board.timeoutSeconds * board.clockMHz * 1e6);
  const messages: Message[] = [];
  const expected: Expected[] = [];
  const nothing = new Uint8Array(0);
  const frame = (n: number): Uint8Array => requestFrame(expected.length, inputs[n % inputs.length]!);
  const good = (n: number, gapCycles: number): void => {
    messages.push({ gapCycles, bytes: frame(n) });
    expected.push({ status: STATUSES.result, packet: outputs[n % inputs.length]! });
  };
  const bad = (status: number, message: Message): void => {
    messages.push(message);
    expected.push({ status, packet: nothing });
  };
  // The reset, then noise that ends like the beginning of a frame.
  const noise = Array.from({ length: 24 }, () => random.int32() & 255).map((byte) =>
    byte === 0x4e ? 0 : byte,
  );
  messages.push({
    gapCycles: Math.ceil(2 * board.resetMicroseconds * board.clockMHz) + 512,
    bytes: Uint8Array.from([...noise, 0x4e]),
  });
  const before = Math.ceil(inputs.length / 2);
  for (let n = 0; n < before; n++) good(n, n === 0 ? 0 : pause);

  const whole = frame(before);
  const damaged = whole.slice();
  damaged[6 + ((random.int32() >>> 0) % inputs[0]!.length)]! ^= 1 << (random.int32() & 7);
  bad(STATUSES.badSum, { gapCycles: settle, bytes: damaged });
  good(before, settle);
  const long = requestFrame(expected.length, new Uint8Array(inputs[0]!.length + 1)).subarray(0, 6);
  bad(STATUSES.badLength, { gapCycles: settle, bytes: long });
  good(before + 1, settle);
  bad(STATUSES.brokenByte, { gapCycles: settle, bytes: frame(before).subarray(0, 7), broken: true });
  good(before + 2, settle);
  bad(STATUSES.timeout, { gapCycles: settle, bytes: frame(before).subarray(0, whole.length - 1) });
  good(before + 3, silence);

  for (let n = before + 4; n < Math.max(inputs.length, before + 6); n++) good(n, pause);
  return { messages, expected, quietCycles: settle + Math.ceil(4 * byteCycles) };
}

/** Holds the known-answer test in simulation; stops at the first answer that is wrong. */
export async function verifyBoard(task: BoardTask): Promise<BackendResult> {
  const { messages, expected, quietCycles } = planConversation(task.board, task.answers, task.seed);
  const results = expected.filter(({ status }) => status === STATUSES.result).length;
  const finish = (mismatches: number, reason?: string): BackendResult => ({
    status: reason === undefined ? "passed" : "failed",
    vectors: results,
    mismatches,
    tool: task.tool,
    ...(reason === undefined ? {} : { reason }),
  });
  const heard = await talk(task, messages, quietCycles);
  if (typeof heard === "string") return finish(0, `${task.what}: ${heard}`);
  const { answers, rest } = readAnswers(heard.bytes);
  const wrong = differences(expected, answers);
  if (rest < heard.bytes.length) wrong.push(`byte ${rest} from the board belongs to no answer`);
  if (heard.broken > 0) wrong.push(`${heard.broken} bytes from the board have no stop bit`);
  return wrong.length === 0 ? finish(0) : finish(wrong.length, `${task.what}: ${wrong[0]}`);
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** What is wrong, in the order of the frames: every one is answered once, results in their order. */
function differences(expected: readonly Expected[], answers: readonly Answer[]): string[] {
  const wrong: string[] = [];
  const left = [...answers];
  for (const [n, { status, packet }] of expected.entries()) {
    const at = left.findIndex(({ number }) => number === (n & 255));
    const answer = left[at];
    if (!answer) {
      wrong.push(`frame ${n} has no answer`);
      continue;
    }
    left.splice(at, 1);
    if (answer.status !== status) wrong.push(`frame ${n}: expected status ${status}, got ${answer.status}`);
    else if (hex(answer.packet) !== hex(packet))
      wrong.push(`frame ${n}: expected ${hex(packet)}, got ${hex(answer.packet)}`);
  }
  for (const { number, status } of left)
    wrong.push(`an answer of status ${status} to frame ${number} too many`);
  return wrong;
}
