// The wire format and the element types: what is written is read again, packed or not, and every type gives its numbers.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { createAllowance } from "../../../import/onnx/constant.ts";
import { DamagedFile, decodeMessage } from "../../../import/onnx/decode.ts";
import { encodeMessage } from "../../../import/onnx/encode.ts";
import type { TensorProto } from "../../../import/onnx/messages.ts";
import { tensorConstant } from "../../../import/onnx/tensors.ts";

const numbersOf = (tensor: TensorProto): readonly number[] => [
  ...tensorConstant(tensor, "c", () => undefined, createAllowance(1000)).numbers(),
];

describe("the wire format", () => {
  it("writes a message that is read as it was", () => {
    const tensor: TensorProto = {
      dims: [2, 3],
      dataType: 7,
      floatData: [0.5, -1],
      int32Data: [-1, 2 ** 31 - 1, -(2 ** 31)],
      int64Data: [-(2 ** 53), 2 ** 53, -1, 0],
      name: "ü",
      rawData: Uint8Array.of(1, 2, 3),
      doubleData: [Math.PI],
      uint64Data: [2 ** 40],
      externalData: [{ key: "location", value: "w.bin" }],
    };
    expect(decodeMessage("TensorProto", encodeMessage("TensorProto", tensor))).toEqual(tensor);
  });

  it("takes repeated numbers packed and one by one, and skips fields that it does not know", () => {
    const writer = new BinaryWriter();
    writer.tag(1, WireType.LengthDelimited).fork().int64(2).int64(3).join();
    writer.tag(1, WireType.Varint).int64(4);
    writer.tag(4, WireType.Bit32).float(1.5);
    writer.tag(99, WireType.StartGroup).tag(5, WireType.Varint).int64(1).tag(99, WireType.EndGroup);
    writer.tag(98, WireType.LengthDelimited).string("something new");
    expect(decodeMessage("TensorProto", writer.finish())).toEqual({ dims: [2, 3, 4], floatData: [1.5] });
  });

  it.each<readonly [string, (writer: BinaryWriter) => void]>([
    ["a number in place of a message", (w) => w.tag(7, WireType.Varint).int64(1)],
    ["a length beyond the end", (w) => w.tag(7, WireType.LengthDelimited).uint32(1000)],
    [
      "groups within groups",
      (w) => {
        for (let i = 0; i < 1000; i++) w.tag(99, WireType.StartGroup);
      },
    ],
    ["a name that is no text", (w) => w.tag(2, WireType.LengthDelimited).bytes(Uint8Array.of(0xff))],
    ["a field of number 0", (w) => w.uint32(0)],
  ])("refuses %s", (_, write) => {
    const writer = new BinaryWriter();
    write(writer);
    expect(() => decodeMessage("ModelProto", writer.finish())).toThrow(DamagedFile);
  });

  it("refuses a name of a megabyte, which is no damage", () => {
    const writer = new BinaryWriter();
    writer.tag(2, WireType.LengthDelimited).bytes(new Uint8Array(2 ** 20));
    expect(() => decodeMessage("ModelProto", writer.finish())).toThrow(
      /^import\/long-name: .* 1048576 bytes/,
    );
  });
});

describe("element types", () => {
  const raw = (
    dataType: number,
    list: ArrayLike<number> & { readonly buffer: ArrayBufferLike },
    dims?: readonly number[],
  ) => numbersOf({ dataType, dims: dims ?? [list.length], rawData: new Uint8Array(list.buffer) });

  it("are read from raw bytes", () => {
    expect(raw(1, Float32Array.of(0.1, -2))).toEqual([Math.fround(0.1), -2]);
    expect(raw(2, Uint8Array.of(0, 255))).toEqual([0, 255]);
    expect(raw(3, Int8Array.of(-128, 127))).toEqual([-128, 127]);
    expect(raw(4, Uint16Array.of(0, 65535))).toEqual([0, 65535]);
    expect(raw(5, Int16Array.of(-32768, 32767))).toEqual([-32768, 32767]);
    expect(raw(6, Int32Array.of(-(2 ** 31), 2 ** 31 - 1))).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect(raw(9, Uint8Array.of(0, 1, 2))).toEqual([0, 1, 1]);
    expect(raw(10, Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00))).toEqual([
      1,
      -2,
      2 ** -24,
      65504,
      Number.POSITIVE_INFINITY,
    ]);
    expect(raw(11, Float64Array.of(0.1))).toEqual([0.1]);
    expect(raw(12, Uint32Array.of(2 ** 32 - 1))).toEqual([2 ** 32 - 1]);
    expect(raw(16, Uint16Array.of(0x3f80, 0xc040))).toEqual([1, -3]);
    const long = new Uint8Array(BigInt64Array.of(-5n, 2n ** 40n).buffer);
    expect(numbersOf({ dataType: 7, dims: [2], rawData: long })).toEqual([-5, 2 ** 40]);
  });

  it("of less than eight bits share bytes, the first in the low bits", () => {
    expect(raw(21, Uint8Array.of(0xf1, 0x02), [3])).toEqual([1, 15, 2]);
    expect(raw(22, Uint8Array.of(0xf1, 0x08), [3])).toEqual([1, -1, -8]);
    expect(raw(25, Uint8Array.of(0b11_10_01_00), [4])).toEqual([0, 1, 2, 3]);
    expect(raw(26, Uint8Array.of(0b11_10_01_00), [4])).toEqual([0, 1, -2, -1]);
    expect(numbersOf({ dataType: 22, dims: [3], int32Data: [0xf1, 0x08] })).toEqual([1, -1, -8]);
  });

  it("are read from lists of numbers", () => {
    expect(numbersOf({ dataType: 1, dims: [2], floatData: [1, 2] })).toEqual([1, 2]);
    expect(numbersOf({ dataType: 7, dims: [1, 2], int64Data: [1, -2] })).toEqual([1, -2]);
    expect(numbersOf({ dataType: 10, dims: [1], int32Data: [0x3c00] })).toEqual([1]);
    expect(numbersOf({ dataType: 3, dims: [], int32Data: [-7] })).toEqual([-7]);
    expect(numbersOf({ dataType: 11, dims: [1], doubleData: [0.1] })).toEqual([0.1]);
    expect(numbersOf({ dataType: 13, dims: [1], uint64Data: [9] })).toEqual([9]);
  });
});
