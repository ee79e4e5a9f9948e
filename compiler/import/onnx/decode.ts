// Bytes -> a message of an ONNX file, field by field after the tables of messages.ts. Nothing is allocated for what a
// length merely promises, and the number of messages and numbers has limits. Throws DamagedFile, and a DiagnosticError
// for what is above a limit.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { DiagnosticError, fail } from "../../support/diagnostics.ts";
import { decodeUtf8 } from "../../support/text.ts";
import {
  FIELDS,
  type Field,
  isMessage,
  type MessageName,
  type Messages,
  type ScalarType,
  WIRE_TYPES,
} from "./messages.ts";

/** Why bytes are no message. */
export class DamagedFile extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = "DamagedFile";
  }
}

/** Nodes, attributes, tensors and so on of a whole file. */
const MAX_MESSAGES = 200_000;
/** Nodes of a file, whether its outputs need them or not. */
export const MAX_FILE_NODES = 20_000;
/** Numbers outside of raw data, and names. */
const MAX_ITEMS = 2 ** 23;
/** A name takes the memory of so many numbers. */
const NAME_ITEMS = 32;
/** Bytes of one name. */
const MAX_NAME = 4096;
/** Bytes of one text that is no name, as `export` writes the layers of all nodes into one. */
const MAX_TEXT = 2 ** 20;
/** So many bytes of a text count as a number. */
const BYTES_PER_ITEM = 8;
/** Messages in messages; the deepest that the tables have is 7. */
const MAX_DEPTH = 16;

interface Budget {
  messages: number;
  items: number;
}

interface NumberedField extends Field {
  readonly key: string;
}

const byNumber = new Map<MessageName, ReadonlyMap<number, NumberedField>>(
  (Object.keys(FIELDS) as MessageName[]).map((name) => [
    name,
    new Map(
      Object.entries(FIELDS[name] as Record<string, Field>).map(([key, field]) => [
        field.number,
        { ...field, key },
      ]),
    ),
  ]),
);

/**
 * The message in `bytes`. int64 beyond 2^53 become the nearest double. Throws DamagedFile, import/too-many and
 * import/long-name.
 */
export function decodeMessage<M extends MessageName>(name: M, bytes: Uint8Array): Messages[M] {
  try {
    return decode(name, bytes, { messages: MAX_MESSAGES, items: MAX_ITEMS }, MAX_DEPTH) as Messages[M];
  } catch (error) {
    if (error instanceof DamagedFile || error instanceof DiagnosticError) throw error;
    // The wire reader throws plain errors, and range errors where a fixed-size number is cut off.
    throw new DamagedFile(error instanceof Error ? error.message : String(error));
  }
}

function decode(name: MessageName, bytes: Uint8Array, budget: Budget, depth: number): object {
  if (depth === 0) throw new DamagedFile("messages are nested too deeply");
  if (--budget.messages < 0) fail("import/too-many", { what: "parts", limit: MAX_MESSAGES });
  const reader = new BinaryReader(bytes);
  const fields = byNumber.get(name)!;
  const message: Record<string, unknown> = {};
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) reader.skip(wire, number, MAX_DEPTH);
    else if (!field.repeated) message[field.key] = one(field, wire, reader, budget, depth);
    else {
      const list = (message[field.key] ?? []) as unknown[];
      message[field.key] = list;
      if (field.type === "NodeProto" && list.length === MAX_FILE_NODES)
        fail("import/too-many", { what: "nodes", limit: MAX_FILE_NODES });
      if (isPackable(field.type) && wire === WireType.LengthDelimited)
        unpack(field.type, reader.bytes(), list as number[], budget);
      else list.push(one(field, wire, reader, budget, depth));
    }
    checkEnd(reader);
  }
  return message;
}

function checkEnd({ pos, len }: BinaryReader): void {
  if (pos > len) throw new DamagedFile("it ends in the middle of a number");
}

type NumberType = Exclude<ScalarType, "string" | "bytes">;

const isPackable = (type: Field["type"]): type is NumberType =>
  !isMessage(type) && type !== "string" && type !== "bytes";

function unpack(type: NumberType, bytes: Uint8Array, list: number[], budget: Budget): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    list.push(numberOf(type, reader, budget));
    checkEnd(reader);
  }
}

function numberOf(type: NumberType, reader: BinaryReader, budget: Budget): number {
  if (--budget.items < 0) fail("import/too-many", { what: "numbers outside of raw data", limit: MAX_ITEMS });
  switch (type) {
    case "int32":
      // A negative one takes ten bytes, of which the low 32 bits count.
      return Number(BigInt.asIntN(32, BigInt(reader.int64())));
    case "int64":
      return Number(reader.int64());
    case "uint64":
      return Number(reader.uint64());
    case "float":
      return reader.float();
    case "double":
      return reader.double();
  }
}

function one(field: NumberedField, wire: WireType, reader: BinaryReader, budget: Budget, depth: number) {
  const { type, key } = field;
  const wanted = isMessage(type) ? WireType.LengthDelimited : WIRE_TYPES[type];
  if (wire !== wanted) throw new DamagedFile(`the field ${key} has the wrong wire type ${wire}`);
  if (isMessage(type)) return decode(type, reader.bytes(), budget, depth - 1);
  if (type === "bytes") {
    countText(budget);
    return reader.bytes();
  }
  if (type !== "string") return numberOf(type, reader, budget);
  const text = reader.bytes();
  countText(budget, text.length);
  const limit = key === "value" ? MAX_TEXT : MAX_NAME;
  if (text.length > limit) fail("import/long-name", { field: key, bytes: text.length, limit });
  return textOf(text, key);
}

function countText(budget: Budget, bytes = 0): void {
  budget.items -= NAME_ITEMS + bytes / BYTES_PER_ITEM;
  if (budget.items < 0) fail("import/too-many", { what: "names", limit: MAX_ITEMS / NAME_ITEMS });
}

function textOf(bytes: Uint8Array, key: string): string {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new DamagedFile(`a ${key} that is no UTF-8 text`);
  return text;
}
