// The top module that puts a core onto a board. In: the manifest, the board, wishes. Out: its Verilog and constraints, and what
// whoever talks to it has to know.
import type { Board } from "../boards/board.ts";
import type { RtlManifest, StreamPort } from "../program/manifest.ts";
import { fixedFile, fixedFilesUnder, renderTemplate } from "../render/render.ts";
import { createDiagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import type { FileSet } from "../support/file-set.ts";
import { type PinLanguage, type PinnedPort, pinText } from "./pins.ts";
import { chooseClock, type PllSettings } from "./pll.ts";

export const BOARD_MODULE = "nf_board";

/** Baud rate when none is asked for: all adapters here have it, and so do 12 MHz and what is made of them. */
export const USUAL_BAUD = 1_000_000;

/** Block RAM of iCE40 reads 0 for some microseconds (icestorm issue 76); 20 are said to be enough. */
const RESET_MICROSECONDS = 30;
/** Silence that breaks off a frame, at least: hosts pause for some hundredths when they are busy, and a slow byte takes long. */
const TIMEOUT = { seconds: 0.1, bits: 40 };
/** How far the line's bits may be off; over ten bits half of one is lost at 5 %. */
const BAUD_TOLERANCE = 0.02;
const LEAST_CLOCKS = 4;
/** Bytes around a packet in a frame. */
const FRAME_BYTES = 8;
/** The length is sent in three bytes. */
const MOST_BYTES = 2 ** 24 - 1;

export interface BoardWishes {
  /** Default: the clock of the design. */
  readonly clockMHz?: number;
  /** Default: USUAL_BAUD. */
  readonly baud?: number;
}

export interface BoardTop {
  readonly board: Board;
  /** What the core runs at. */
  readonly clockMHz: number;
  readonly baud: number;
  readonly resetMicroseconds: number;
  /** Silence after which a frame is broken off. */
  readonly timeoutSeconds: number;
  /** Inferences that the core makes in a second by the cycle contract, and that the line carries frames for. */
  readonly inferencesPerSecond: { readonly core: number; readonly line: number };
  /** Verilog that goes with the core, by bare name; the top module first. */
  readonly verilog: FileSet;
  readonly constraints: Readonly<Record<PinLanguage, string>>;
}

const bytesPerBeat = ({ lanes, laneBits }: StreamPort): number => (lanes * laneBits) / 8;
const bytesPerPacket = (port: StreamPort): number => bytesPerBeat(port) * port.beats;

/**
 * Makes the top module of a board. Throws flow/board-ports for a core with several inputs or outputs or packets that are too
 * long, flow/no-clock and flow/no-baud.
 */
export function createBoardTop(manifest: RtlManifest, board: Board, wishes: BoardWishes = {}): BoardTop {
  const { top, inputs, outputs } = manifest;
  const [input, output] = [inputs[0]!, outputs[0]!];
  if (inputs.length !== 1 || outputs.length !== 1)
    throw new DiagnosticError([
      createDiagnostic("flow/board-ports", {
        inputs: inputs.map(({ name }) => name),
        outputs: outputs.map(({ name }) => name),
      }),
    ]);
  const longest = Math.max(bytesPerPacket(input), bytesPerPacket(output));
  if (longest > MOST_BYTES) fail("flow/board-packet", { bytes: longest, most: MOST_BYTES });
  const { mhz: clockMHz, pll } = chooseClock(board, wishes.clockMHz ?? manifest.clockMHz);
  const hertz = clockMHz * 1e6;
  const baud = wishes.baud ?? USUAL_BAUD;
  const clocks = clocksOfBit(board, hertz, baud);
  const resetCycles = Math.ceil(RESET_MICROSECONDS * clockMHz);
  const timeoutBits = Math.ceil(Math.log2(Math.max(TIMEOUT.seconds, TIMEOUT.bits / baud) * hertz));
  const { led, button, tied } = board;
  const plan = {
    module: BOARD_MODULE,
    core: top,
    title: board.title,
    baud,
    clockMHz,
    oscillatorMHz: board.clock.mhz,
    resetMicroseconds: RESET_MICROSECONDS,
    ports: portsOf(board),
    pll: pll ? pllPlan(board, pll) : false,
    pressed: button ? `${button.activeLow ? "!" : ""}button` : "1'b0",
    led: led ? `${led.activeLow ? "!" : ""}blink` : false,
    tied,
    clocks,
    resetCycles,
    timeoutBits,
    input: input.name,
    output: output.name,
    inBytes: bytesPerBeat(input),
    inBeats: input.beats,
    inTop: 8 * bytesPerBeat(input) - 1,
    outBytes: bytesPerBeat(output),
    outBeats: output.beats,
    outTop: 8 * bytesPerBeat(output) - 1,
  };
  const pins = {
    ports: portsOf(board).map(({ name, pin }): PinnedPort => ({ port: name, pin })),
    clock: "clk",
    mhz: board.clock.mhz,
    ioStandard: board.ioStandard,
  };
  return {
    board,
    clockMHz,
    baud,
    resetMicroseconds: RESET_MICROSECONDS,
    timeoutSeconds: 2 ** timeoutBits / hertz,
    inferencesPerSecond: {
      core: Math.floor(hertz / manifest.intervalCycles),
      // Ten bits a byte; both directions at once.
      line: Math.floor(baud / 10 / (longest + FRAME_BYTES + 1)),
    },
    verilog: new Map([
      [`${BOARD_MODULE}.v`, renderTemplate("flow/board.v", plan)],
      ...fixedFilesUnder("board")
        .filter((path) => path.endsWith(".v") && !path.includes("/simulation/"))
        .map((path) => [path.slice(path.lastIndexOf("/") + 1), fixedFile(path)] as const),
    ]),
    constraints: {
      pcf: pinText("pcf", pins),
      lpf: pinText("lpf", pins),
      cst: pinText("cst", pins),
      xdc: pinText("xdc", pins),
    },
  };
}

/** Ports of the top module. */
function portsOf({ clock, uart, led, button, tied }: Board) {
  const port = (direction: string, name: string, pin: string) => ({ direction, name, pin });
  return [
    port("input ", "clk", clock.pin),
    port("input ", "rx", uart.rx),
    port("output", "tx", uart.tx),
    ...(led ? [port("output", "led", led.pin)] : []),
    ...(button ? [port("input ", "button", button.pin)] : []),
    ...tied.map(({ name, pin }) => port("output", name, pin)),
  ];
}

function pllPlan(board: Board, settings: PllSettings) {
  const isPad = board.pll === "pad";
  return {
    ...settings,
    cell: isPad ? "SB_PLL40_PAD" : "SB_PLL40_CORE",
    input: isPad ? "PACKAGEPIN" : "REFERENCECLK",
  };
}

/** Clock cycles of a bit on the line. */
function clocksOfBit(board: Board, hertz: number, baud: number): number {
  const clocks = Math.round(hertz / baud);
  if (clocks < LEAST_CLOCKS || Math.abs(hertz / clocks / baud - 1) > BAUD_TOLERANCE)
    fail("flow/no-baud", {
      board: board.title,
      baud,
      clockMHz: hertz / 1e6,
      nearest: Math.round(hertz / Math.max(LEAST_CLOCKS, Math.ceil(hertz / baud))),
    });
  return clocks;
}
