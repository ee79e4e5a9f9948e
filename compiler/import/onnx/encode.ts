// A message of an ONNX file -> bytes, after the tables of messages.ts: fields in the order of their numbers, so that the
// same message always gives the same bytes.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  FIELDS,
  type Field,
  isMessage,
  type MessageName,
  type Messages,
  type ScalarType,
  WIRE_TYPES,
} from "./messages.ts";

/** Bytes of a message. Integers have to be whole, and floats within float32. */
export function encodeMessage<M extends MessageName>(name: M, message: Messages[M]): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  write(name, message as Record<string, unknown>, writer);
  return writer.finish() as Uint8Array<ArrayBuffer>;
}

function write(name: MessageName, message: Record<string, unknown>, writer: BinaryWriter): void {
  const fields = FIELDS[name] as Record<string, Field>;
  for (const [key, field] of Object.entries(fields)) {
    const value = message[key];
    if (value === undefined) continue;
    const values = field.repeated ? (value as readonly unknown[]) : [value];
    if (!field.packed) {
      for (const item of values) writeOne(field, item, writer);
    } else if (values.length > 0) {
      writer.tag(field.number, WireType.LengthDelimited).fork();
      for (const item of values) writeScalar(field.type as ScalarType, item, writer);
      writer.join();
    }
  }
}

function writeOne({ number, type }: Field, value: unknown, writer: BinaryWriter): void {
  if (isMessage(type)) {
    writer.tag(number, WireType.LengthDelimited).fork();
    write(type, value as Record<string, unknown>, writer);
    writer.join();
    return;
  }
  writer.tag(number, WIRE_TYPES[type]);
  writeScalar(type, value, writer);
}

function writeScalar(type: ScalarType, value: unknown, writer: BinaryWriter): void {
  switch (type) {
    case "int32":
      writer.int32(value as number);
      return;
    case "int64":
      writer.int64(BigInt(value as number));
      return;
    case "uint64":
      writer.uint64(BigInt(value as number));
      return;
    case "float":
      writer.float(value as number);
      return;
    case "double":
      writer.double(value as number);
      return;
    case "string":
      writer.string(value as string);
      return;
    case "bytes":
      writer.bytes(value as Uint8Array);
      return;
  }
}
