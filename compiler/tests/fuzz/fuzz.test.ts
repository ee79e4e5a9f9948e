// Whatever the bytes are, a reader hands back something that keeps its rules, or diagnostics; soon. `make fuzz-inputs` does the
// same in processes of its own, whose time and memory are watched. NOISEFLOOR_FUZZ sets the number of inputs,
// NOISEFLOOR_FUZZ_SEED which.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeMessage } from "../../import/onnx/decode.ts";
import { encodeMessage } from "../../import/onnx/encode.ts";
import { casesOf } from "../nightly.ts";
import { ONNX_READER } from "./onnx-reader.ts";
import { FUZZ_READERS, inputOf, judge, type Outcome } from "./readers.ts";

const INPUTS = Number(process.env.NOISEFLOOR_FUZZ ?? casesOf(20_000, 100_000));
const SEED = Number(process.env.NOISEFLOOR_FUZZ_SEED ?? 1);
/** Processor time for one input. */
const MAX_MILLISECONDS = 5000;

// jsfive tells the console of attributes that it does not know.
beforeAll(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

describe.each(FUZZ_READERS)("$name: sound inputs", (reader) => {
  it("are taken", () => {
    for (const bytes of reader.prepare().sound) expect(judge({ reader, bytes })).toBe("accepted");
  });
});

describe("sound ONNX files", () => {
  it("are written as they were read", () => {
    for (const bytes of ONNX_READER.prepare().sound)
      expect(encodeMessage("ModelProto", decodeMessage("ModelProto", bytes))).toEqual(bytes);
  });
});

describe("spoiled inputs", () => {
  it(`are read or refused: ${INPUTS} of all readers`, { timeout: INPUTS * 50 + 60_000 }, () => {
    const counts = new Map(FUZZ_READERS.map(({ name }) => [name, { accepted: 0, refused: 0 }]));
    for (let index = 0; index < INPUTS; index++) {
      const input = inputOf(SEED, index);
      const label = `input ${index} of seed ${SEED}, ${input.reader.name}`;
      const started = process.cpuUsage();
      let outcome: Outcome;
      try {
        outcome = judge(input);
      } catch (error) {
        throw new Error(`${label}: ${String(error)}`, { cause: error });
      }
      const { user, system } = process.cpuUsage(started);
      if ((user + system) / 1000 > MAX_MILLISECONDS)
        throw new Error(`${label} took ${(user + system) / 1e6} s`);
      counts.get(input.reader.name)![outcome]++;
    }
    // Both happen to every reader, or the inputs say nothing.
    for (const [name, { accepted, refused }] of counts) {
      expect(accepted, `${name} accepted`).toBeGreaterThan((accepted + refused) / 200);
      expect(refused, `${name} refused`).toBeGreaterThan((accepted + refused) / 200);
    }
  });
});

/** A file that `make fuzz-inputs` saved. */
interface Finding {
  readonly reader: string;
  /** What it did when it was found. */
  readonly what: string;
  /** In base64. */
  readonly input: string;
}

describe("earlier findings", () => {
  const folder = fileURLToPath(new URL("findings", import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  it.each(files)("%s is read or refused", (name) => {
    const finding = JSON.parse(readFileSync(join(folder, name), "utf8")) as Finding;
    const reader = FUZZ_READERS.find((one) => one.name === finding.reader);
    expect(reader, `the reader ${finding.reader}`).toBeDefined();
    const started = process.cpuUsage();
    judge({ reader: reader!, bytes: new Uint8Array(Buffer.from(finding.input, "base64")) });
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(MAX_MILLISECONDS);
  });
});
