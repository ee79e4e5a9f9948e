// NPZ, safetensors and golden vectors, read back by decoders of the test's own.
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../../data/safetensors.ts";
import { type ExportedParameter, exportNpz, exportSafetensors } from "../../../export/parameters.ts";
import { exportVectors, type VectorIndex } from "../../../export/vectors.ts";
import { lower } from "../../../lower/lower.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { classifier } from "../driver/small-trained.ts";
import { randomTrained } from "../lower/random-trained.ts";
import { randomBranchingProgram, randomInputs } from "../program/random-branching.ts";

const PROGRAMS: readonly Program[] = [
  lower(classifier),
  ...[3, 5, 8].map((seed) => lower(randomTrained(seed))),
  ...[1, 4, 6].map((seed) => randomBranchingProgram(seed)),
];

interface Plain {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Little-endian integers of so many bytes. */
function integers(bytes: Uint8Array, size: number, signed: boolean): number[] {
  return Array.from({ length: bytes.length / size }, (_, i) => {
    const parts = bytes.subarray(i * size, (i + 1) * size);
    const value = parts.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return Number(signed ? BigInt.asIntN(8 * size, value) : value);
  });
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function plainNpy(bytes: Uint8Array): Plain {
  const length = bytes[8]! + 256 * bytes[9]!;
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + length));
  const [, sign, size] = /'descr': '[|<]([iu])(\d)'/.exec(header)!;
  const shape = /'shape': \(([^)]*)\)/.exec(header)![1]!;
  return {
    shape: shape.split(",").flatMap((n) => (n.trim() === "" ? [] : [Number(n)])),
    data: integers(bytes.subarray(10 + length), Number(size), sign === "i"),
  };
}

function plainSafetensors(bytes: Uint8Array): {
  tensors: Map<string, Plain>;
  metadata: Record<string, string>;
} {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const { __metadata__: metadata, ...rest } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  const tensors = new Map<string, Plain>();
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [begin, end],
    },
  ] of Object.entries(rest) as [string, HeaderEntry][]) {
    const part = bytes.subarray(8 + length + begin, 8 + length + end);
    expect((8 + length + begin) % (Number(dtype.slice(1)) / 8)).toBe(0);
    tensors.set(name, { shape, data: integers(part, Number(dtype.slice(1)) / 8, dtype[0] === "I") });
  }
  return { tensors, metadata };
}

function expectParameters(
  program: Program,
  parameters: readonly ExportedParameter[],
  arrayOf: (name: string) => Plain,
): void {
  expect(parameters.map(({ name }) => name).sort()).toEqual(program.constants.map(({ name }) => name).sort());
  for (const { array, name, format, shape } of parameters) {
    const constant = program.constants.find((c) => c.name === name)!;
    expect(arrayOf(array)).toEqual({ shape: constant.shape, data: constant.data });
    expect(shape).toEqual(constant.shape);
    expect(format).toMatchObject({ kind: constant.format.kind, fraction: constant.format.fraction });
  }
}

describe("parameters", () => {
  it("are the program's constants, as NPZ", () => {
    for (const program of PROGRAMS) {
      const files = unzipSync(exportNpz(program));
      const { parameters, model } = JSON.parse(new TextDecoder().decode(files["formats.json"]));
      expect(model).toBe(program.name);
      expectParameters(program, parameters, (name) => plainNpy(files[`${name}.npy`]!));
    }
  });

  it("are the program's constants, as safetensors", () => {
    for (const program of PROGRAMS) {
      const { tensors, metadata } = plainSafetensors(exportSafetensors(program));
      const { parameters } = JSON.parse(metadata["noisefloor.formats"]!);
      expectParameters(program, parameters, (name) => tensors.get(name)!);
    }
  });

  it("have the same bytes whenever and wherever they are written", async () => {
    const program = PROGRAMS[0]!;
    const [npz, safetensors] = [exportNpz(program), exportSafetensors(program)];
    const zone = process.env.TZ;
    process.env.TZ = "Pacific/Kiritimati";
    await new Promise((done) => setTimeout(done, 2100));
    expect(exportNpz(program)).toEqual(npz);
    expect(exportSafetensors(program)).toEqual(safetensors);
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it("have names that no archive can write elsewhere with", () => {
    const builder = createProgramBuilder("names");
    const x = builder.input({ name: "x", shape: [2], format: intFormat(true, 4, 0) });
    const weights = { units: 1, data: [1, 2], format: intFormat(true, 3, 0) };
    for (const name of ["../../up", "UP", "up", "a/b"])
      builder.output(`out ${name}`, builder.dense({ layer: name, name, input: x, weights }), "value");
    const names = Object.keys(unzipSync(exportNpz(builder.build())));
    expect(names.every((name) => /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name))).toBe(true);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(5);
  });
});

describe("golden vectors", () => {
  it("are what the simulator computes, and the index says what they are", () => {
    for (const program of PROGRAMS) {
      const inputs = randomInputs(program, 3, 1);
      const { values } = simulate(program, inputs, 3);
      const files = exportVectors(program, inputs, 3);
      const index = JSON.parse(files.get("index.json") as string) as VectorIndex;
      expect(index).toMatchObject({ model: program.name, samples: 3 });
      expect(index.vectors.map(({ name }) => name)).toEqual(program.values.map(({ name }) => name));
      expect(files.size).toBe(index.vectors.length + 1);
      for (const { file, name, shape, stage, layer } of index.vectors) {
        const { shape: dims, data } = plainNpy(files.get(file) as Uint8Array);
        expect(dims).toEqual([3, ...valueNamed(program, name).shape]);
        expect(shape).toEqual(dims.slice(1));
        expect(data).toEqual(Array.from(values.get(name)!));
        expect(stage === "input").toBe(program.inputs.includes(name));
        expect(layer === null).toBe(stage === "input");
      }
    }
  });
});

describe("a safetensors file", () => {
  const good = encodeSafetensors(
    new Map([
      ["a", { shape: [2], dtype: "int8", data: [-1, 2] }],
      ["b", { shape: [1, 2], dtype: "int32", data: [-70000, 5] }],
    ]),
    { k: "v" },
  );
  const withHeader = (header: string, data: readonly number[] = []): Uint8Array => {
    const text = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + text.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    bytes.set(data, 8 + text.length);
    return bytes;
  };

  it("is read as it was written", () => {
    const { tensors, metadata } = decodeSafetensors(good, { path: "t" });
    expect([...metadata]).toEqual([["k", "v"]]);
    expect(Array.from(tensors.get("a")!.data)).toEqual([-1, 2]);
    expect(tensors.get("b")).toMatchObject({ shape: [1, 2], dtype: "int32" });
    expect(Array.from(tensors.get("b")!.data)).toEqual([-70000, 5]);
  });

  it("is refused when it is damaged, and never crashes the reader", () => {
    const refused = (bytes: Uint8Array): void => {
      try {
        decodeSafetensors(bytes, { path: "t" });
      } catch (error) {
        expect(error).toBeInstanceOf(DiagnosticError);
        return;
      }
      throw new Error("it was read");
    };
    for (let end = 0; end < good.length; end++) refused(good.subarray(0, end));
    refused(new Uint8Array([...good, 0]));
    const entry = (fields: string): string =>
      `{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]${fields}}}`;
    expect(decodeSafetensors(withHeader(entry(""), [1, 2]), { path: "t" }).tensors.size).toBe(1);
    for (const header of [
      "[]",
      "{",
      "null",
      '{"a":null}',
      '{"a":{"dtype":"I7","shape":[2],"data_offsets":[0,2]}}',
      '{"a":{"dtype":"I8","shape":[-2],"data_offsets":[0,2]}}',
      '{"a":{"dtype":"I8","shape":[3],"data_offsets":[0,2]}}',
      '{"a":{"dtype":"I8","shape":[1e300],"data_offsets":[0,2]}}',
      '{"a":{"dtype":"I8","shape":[2],"data_offsets":[2,0]}}',
      '{"a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}',
      '{"__metadata__":{"k":1},"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}',
      '{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}',
    ])
      refused(withHeader(header, [1, 2]));
  });
});
