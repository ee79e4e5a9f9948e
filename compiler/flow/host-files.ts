// What a host needs to talk to a board. In: the manifest, the board, packets and their answers. Out: the script and its data.
import type { Manifest, StreamPort } from "../program/manifest.ts";
import { fixedFile } from "../render/render.ts";
import { compilerAssert } from "../support/assert.ts";
import type { FileSet } from "../support/file-set.ts";
import type { BoardTop } from "./board-top.ts";

/** Packets into a board, and those that come back. */
export interface AnsweredPackets {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A port as the script packs and reads it. */
function portOf({ lanes, laneBits, beats, values }: StreamPort) {
  return {
    lanes,
    laneBytes: laneBits / 8,
    beats,
    values: values.map(({ value, role, shape, elements, beats, signed, width, fraction }) => ({
      ...{ value, role, shape, elements, beats, signed, width, fraction },
    })),
  };
}

/** Files of host/. */
export function createHostFiles({ model, rtl }: Manifest, top: BoardTop, answers: AnsweredPackets): FileSet {
  compilerAssert(rtl, "a board has a core");
  const design = {
    model,
    board: top.board.title,
    serialPort: top.board.uart.chip,
    baud: top.baud,
    input: portOf(rtl.inputs[0]!),
    output: portOf(rtl.outputs[0]!),
    knownAnswers: answers.inputs.map((packet, n) => ({
      packet: hexOf(packet),
      answer: hexOf(answers.outputs[n]!),
    })),
  };
  return new Map([
    ["send.mjs", fixedFile("board/host/send.mjs")],
    ["design.json", `${JSON.stringify(design, null, 1)}\n`],
  ]);
}
