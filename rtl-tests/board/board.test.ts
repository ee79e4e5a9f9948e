// Boards on their serial lines: designs with ports of every kind, bit by bit through the top module that synth makes.
import { describe, expect, it, test } from "vitest";
import { boardNamed } from "../../compiler/boards/boards.ts";
import { BOARD_MODULE, createBoardTop } from "../../compiler/flow/board-top.ts";
import { createProgramBuilder, intFormat } from "../../compiler/program/builder.ts";
import type { Program } from "../../compiler/program/program.ts";
import { createRandom } from "../../compiler/support/random.ts";
import { hasTool } from "../../compiler/tests/tools-present.ts";
import { designOf } from "../../compiler/tests/unit/verify/designs.ts";
import { createVerilatorRunner } from "../../compiler/tools/verilator.ts";
import {
  type BoardTask,
  type KnownAnswers,
  knownAnswers,
  type Message,
  planConversation,
  type SimulatedBoard,
  talk,
  verifyBoard,
} from "../../compiler/verify/board.ts";
import { readAnswers, requestFrame, STATUSES } from "../../compiler/verify/frames.ts";

const runner = createVerilatorRunner({ shortRuns: true });

interface Wishes {
  readonly board?: string;
  /** Default: the one of the top module, 2^21 cycles or so, which take seconds to simulate. */
  readonly timeoutBits?: number;
  readonly clockMHz?: number;
  readonly baud?: number;
}

/** A dense layer of some inputs and units, and what it puts out. */
function dense(
  inputs: number,
  width: number,
  signed: boolean,
  units: number,
  ends: "logits" | "both",
): Program {
  const builder = createProgramBuilder("net");
  const x = builder.input({ name: "x", shape: [inputs], format: intFormat(signed, width, 0) });
  const data = Array.from({ length: inputs * units }, (_, i) => ((i * 7) % 13) - 6);
  const sum = builder.dense({
    layer: "fc",
    name: "fc.sum",
    input: x,
    weights: { units, data, format: intFormat(true, 4, 0) },
    bias: Array.from({ length: units }, (_, i) => 3 * i - 5),
  });
  builder.output("y", sum, "logits");
  if (ends === "both")
    builder.output("c", builder.argmax({ layer: "top", name: "top.class", input: sum }), "class");
  return builder.build();
}

interface Bench {
  readonly board: SimulatedBoard;
  readonly answers: KnownAnswers;
}

function benchOf(
  program: Program,
  outputs: "logits" | "both" | "class",
  folding: { pe: number; simd: number },
  { board: name = "hx8k-evn", timeoutBits, ...wishes }: Wishes = {},
): Bench {
  const { manifest, files } = designOf(program, { outputs, folding: { fc: folding } });
  const rtl = manifest.rtl!;
  const board = boardNamed(name)!;
  const top = createBoardTop(rtl, board, { clockMHz: board.clock.mhz, ...wishes });
  const verilog = new Map([...rtl.sources.map((path) => [path, files.get(path)!] as const), ...top.verilog]);
  if (timeoutBits !== undefined) {
    const text = verilog.get("nf_board.v") as string;
    verilog.set("nf_board.v", text.replace(/\.TIMEOUT_BITS\(\d+\)/, `.TIMEOUT_BITS(${timeoutBits})`));
  }
  return {
    board: {
      ...top,
      ...(timeoutBits === undefined ? {} : { timeoutSeconds: 2 ** timeoutBits / (top.clockMHz * 1e6) }),
      module: BOARD_MODULE,
      verilog,
      memories: new Map(
        rtl.memories.map((path) => [path.slice(path.lastIndexOf("/") + 1), files.get(path)!] as const),
      ),
      ...(board.button ? { released: board.button.activeLow ? 1 : 0 } : {}),
      intervalCycles: rtl.intervalCycles,
    },
    answers: knownAnswers(program, rtl, undefined, 12, 1),
  };
}

const taskOf = (bench: Bench): BoardTask => ({
  ...bench,
  seed: 1,
  runner,
  tool: "verilator",
  what: "the board",
});

describe.skipIf(!hasTool("verilator"))("a board on its serial line", () => {
  it.each<[string, Bench]>([
    ["bytes in, words and a class out", benchOf(dense(9, 8, false, 3, "both"), "both", { pe: 1, simd: 1 })],
    [
      "signed words of several lanes, over a PLL that locks late",
      benchOf(
        dense(6, 11, true, 5, "logits"),
        "logits",
        { pe: 5, simd: 3 },
        { clockMHz: 24, baud: 2_000_000, timeoutBits: 14 },
      ),
    ],
    [
      "one bit, on a line whose bits are 4 cycles, with a button",
      benchOf(
        dense(3, 1, false, 2, "both"),
        "class",
        { pe: 1, simd: 3 },
        { board: "icebreaker", baud: 3_000_000, timeoutBits: 14 },
      ),
    ],
    [
      "a baud rate that the clock does not divide",
      benchOf(
        dense(4, 8, false, 2, "logits"),
        "logits",
        { pe: 2, simd: 4 },
        { baud: 921_600, timeoutBits: 14 },
      ),
    ],
  ])("answers every frame, and what is wrong with broken ones: %s", async (_, bench) => {
    expect(await verifyBoard(taskOf(bench))).toMatchObject({ status: "passed", mismatches: 0, vectors: 12 });
  });

  test("finds a wrong answer, and a board that says nothing", async () => {
    const bench = benchOf(dense(9, 8, false, 3, "both"), "both", { pe: 1, simd: 1 }, { timeoutBits: 14 });
    const outputs = bench.answers.outputs.map((packet, n) =>
      n === 5 ? packet.map((byte) => byte ^ 1) : packet,
    );
    const wrong = await verifyBoard(taskOf({ ...bench, answers: { ...bench.answers, outputs } }));
    expect(wrong).toMatchObject({ status: "failed", mismatches: 1 });
    expect(wrong.reason).toMatch(/^the board: frame 5: expected [0-9a-f]+, got [0-9a-f]+$/);
    const mute = new Map(
      [...bench.board.verilog].map(([path, text]) => [
        path,
        path === "nf_uart_rx.v" ? (text as string).replace(/m_valid +<= level;/, "m_valid <= 1'b0;") : text,
      ]),
    );
    const silent = await verifyBoard(taskOf({ ...bench, board: { ...bench.board, verilog: mute } }));
    expect(silent).toMatchObject({ status: "failed", mismatches: 16 });
    expect(silent.reason).toBe("the board: frame 0 has no answer");
  });

  test("is deaf in its reset, which is longer than 20 microseconds", async () => {
    const bench = benchOf(dense(1, 8, false, 2, "logits"), "logits", { pe: 1, simd: 1 }, { baud: 3_000_000 });
    const [packet] = bench.answers.inputs;
    // A frame of 9 bytes takes 30 us.
    const first = (gapCycles: number) =>
      talk(taskOf(bench), [{ gapCycles, bytes: requestFrame(7, packet!) }], 4000);
    const early = await first(20 * 12 - 10);
    const late = await first(31 * 12);
    expect(typeof early === "string" ? early : early.bytes.length).toBe(0);
    expect(typeof late === "string" ? late : readAnswers(late.bytes).answers[0]).toMatchObject({
      number: 7,
      status: STATUSES.result,
    });
  });

  it.each([1, 2, 3, 5])(
    "never takes a broken frame for a whole one, and finds back: packets of %i beats",
    async (beats) => {
      const program = dense(2 * beats, 8, false, 2, "logits");
      const bench = benchOf(program, "logits", { pe: 1, simd: 2 }, { baud: 3_000_000, timeoutBits: 12 });
      const { inputs, outputs } = bench.answers;
      expect(inputs[0]!).toHaveLength(2 * beats);
      const random = createRandom(beats, "line");
      const upTo = (n: number): number => (random.int32() >>> 0) % n;
      const messages: Message[] = [{ gapCycles: 1000, bytes: new Uint8Array(0) }];
      for (let number = 0; number < 120; number++) {
        const whole = requestFrame(number, inputs[number % inputs.length]!);
        const broken = whole.slice();
        broken[upTo(whole.length)]! ^= 1 + upTo(255);
        const kinds = [whole, whole, broken, whole.subarray(0, upTo(whole.length)), whole.subarray(upTo(6))];
        messages.push({
          gapCycles: upTo(4) === 0 ? upTo(9000) : upTo(60),
          bytes: kinds[upTo(kinds.length)]!,
          broken: upTo(12) === 0,
        });
      }
      // After a silence all is well.
      for (let number = 200; number < 204; number++)
        messages.push({ gapCycles: 20_000, bytes: requestFrame(number, inputs[number % inputs.length]!) });
      const heard = await talk(taskOf(bench), messages, 20_000);
      if (typeof heard === "string") throw new Error(heard);
      const { answers, rest } = readAnswers(heard.bytes);
      expect([rest, heard.broken]).toEqual([heard.bytes.length, 0]);
      const results = answers.filter(({ status }) => status === STATUSES.result);
      for (const { number, packet } of results)
        expect([number, ...packet]).toEqual([number, ...outputs[number % inputs.length]!]);
      expect(results.slice(-4).map(({ number }) => number)).toEqual([200, 201, 202, 203]);
      expect(results.length).toBeGreaterThan(20);
      expect(new Set(answers.map(({ status }) => status)).size).toBeGreaterThanOrEqual(4);
    },
  );

  test("says that it is busy rather than lose a packet, and goes on", async () => {
    // 64 results of 4 bytes take far longer to send than one byte that asks for them.
    const bench = benchOf(dense(1, 8, false, 64, "logits"), "logits", { pe: 64, simd: 1 });
    const { inputs, outputs } = bench.answers;
    const { messages } = planConversation(bench.board, bench.answers, 1);
    const frames = Array.from({ length: 10 }, (_, n) => requestFrame(n, inputs[n % inputs.length]!));
    const heard = await talk(
      taskOf(bench),
      [
        { gapCycles: messages[0]!.gapCycles, bytes: Uint8Array.from(frames.flatMap((f) => [...f])) },
        { gapCycles: 200_000, bytes: requestFrame(200, inputs[3]!) },
      ],
      200_000,
    );
    if (typeof heard === "string") throw new Error(heard);
    const { answers, rest } = readAnswers(heard.bytes);
    expect(rest).toBe(heard.bytes.length);
    const results = answers.filter(({ status }) => status === STATUSES.result);
    expect(results.length).toBeGreaterThanOrEqual(5);
    expect(answers.filter(({ status }) => status === STATUSES.busy).length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThanOrEqual(11);
    for (const { number, packet } of results)
      expect([...packet]).toEqual([...outputs[(number === 200 ? 3 : number) % inputs.length]!]);
    expect(results.at(-1)!.number).toBe(200);
    expect(results.map(({ number }) => number)).toEqual(
      results.map(({ number }) => number).sort((a, b) => a - b),
    );
  });
});
