// The messages of an ONNX file that matter here: what a decoded one holds, and the table of their fields, which reader
// and writer share. Everything else in a file is skipped.

import { WireType } from "@bufbuild/protobuf/wire";

/** Bytes of a message that is not decoded; only whether it is there counts. */
type Opaque = Uint8Array;

export interface StringStringEntryProto {
  readonly key?: string;
  readonly value?: string;
}

export interface OperatorSetIdProto {
  readonly domain?: string;
  readonly version?: number;
}

export interface TensorProto {
  readonly dims?: readonly number[];
  readonly dataType?: number;
  readonly segment?: Opaque;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly stringData?: readonly Uint8Array[];
  readonly int64Data?: readonly number[];
  readonly name?: string;
  readonly rawData?: Uint8Array;
  readonly doubleData?: readonly number[];
  readonly uint64Data?: readonly number[];
  readonly externalData?: readonly StringStringEntryProto[];
  readonly dataLocation?: number;
}

export interface AttributeProto {
  readonly name?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: Opaque;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
  readonly graphs?: readonly Opaque[];
  readonly type?: number;
  readonly refAttrName?: string;
  readonly sparseTensor?: Opaque;
}

export interface NodeProto {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute?: readonly AttributeProto[];
  readonly domain?: string;
}

export interface DimensionProto {
  readonly dimValue?: number;
  readonly dimParam?: string;
}

export interface TensorShapeProto {
  readonly dim?: readonly DimensionProto[];
}

export interface TensorTypeProto {
  readonly elemType?: number;
  readonly shape?: TensorShapeProto;
}

export interface TypeProto {
  readonly tensorType?: TensorTypeProto;
  readonly sequenceType?: Opaque;
  readonly mapType?: Opaque;
  readonly optionalType?: Opaque;
}

export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: TypeProto;
}

export interface GraphProto {
  readonly node?: readonly NodeProto[];
  readonly name?: string;
  readonly initializer?: readonly TensorProto[];
  readonly input?: readonly ValueInfoProto[];
  readonly output?: readonly ValueInfoProto[];
  readonly valueInfo?: readonly ValueInfoProto[];
  readonly sparseInitializer?: readonly Opaque[];
}

export interface FunctionProto {
  readonly name?: string;
  readonly domain?: string;
}

export interface ModelProto {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: GraphProto;
  readonly opsetImport?: readonly OperatorSetIdProto[];
  readonly metadataProps?: readonly StringStringEntryProto[];
  readonly functions?: readonly FunctionProto[];
}

/** By name, what `decodeMessage` and `encodeMessage` take. */
export interface Messages {
  readonly StringStringEntryProto: StringStringEntryProto;
  readonly OperatorSetIdProto: OperatorSetIdProto;
  readonly TensorProto: TensorProto;
  readonly AttributeProto: AttributeProto;
  readonly NodeProto: NodeProto;
  readonly DimensionProto: DimensionProto;
  readonly TensorShapeProto: TensorShapeProto;
  readonly TensorTypeProto: TensorTypeProto;
  readonly TypeProto: TypeProto;
  readonly ValueInfoProto: ValueInfoProto;
  readonly GraphProto: GraphProto;
  readonly FunctionProto: FunctionProto;
  readonly ModelProto: ModelProto;
}

export type MessageName = keyof Messages;
export type ScalarType = "int32" | "int64" | "uint64" | "float" | "double" | "string" | "bytes";

export interface Field {
  readonly number: number;
  readonly type: ScalarType | MessageName;
  readonly repeated: boolean;
  /** Numbers one behind the other under one tag; readers take both forms. */
  readonly packed: boolean;
}

const one = (number: number, type: Field["type"]): Field => ({
  number,
  type,
  repeated: false,
  packed: false,
});
const many = (number: number, type: Field["type"]): Field => ({
  number,
  type,
  repeated: true,
  packed: false,
});
const packed = (number: number, type: ScalarType): Field => ({ number, type, repeated: true, packed: true });

/** Fields of every message, in the order of their numbers. */
export const FIELDS: { readonly [M in MessageName]: { readonly [F in keyof Required<Messages[M]>]: Field } } =
  {
    StringStringEntryProto: { key: one(1, "string"), value: one(2, "string") },
    OperatorSetIdProto: { domain: one(1, "string"), version: one(2, "int64") },
    TensorProto: {
      dims: many(1, "int64"),
      dataType: one(2, "int32"),
      segment: one(3, "bytes"),
      floatData: packed(4, "float"),
      int32Data: packed(5, "int32"),
      stringData: many(6, "bytes"),
      int64Data: packed(7, "int64"),
      name: one(8, "string"),
      rawData: one(9, "bytes"),
      doubleData: packed(10, "double"),
      uint64Data: packed(11, "uint64"),
      externalData: many(13, "StringStringEntryProto"),
      dataLocation: one(14, "int32"),
    },
    AttributeProto: {
      name: one(1, "string"),
      f: one(2, "float"),
      i: one(3, "int64"),
      s: one(4, "bytes"),
      t: one(5, "TensorProto"),
      g: one(6, "bytes"),
      floats: many(7, "float"),
      ints: many(8, "int64"),
      strings: many(9, "bytes"),
      graphs: many(11, "bytes"),
      type: one(20, "int32"),
      refAttrName: one(21, "string"),
      sparseTensor: one(22, "bytes"),
    },
    NodeProto: {
      input: many(1, "string"),
      output: many(2, "string"),
      name: one(3, "string"),
      opType: one(4, "string"),
      attribute: many(5, "AttributeProto"),
      domain: one(7, "string"),
    },
    DimensionProto: { dimValue: one(1, "int64"), dimParam: one(2, "string") },
    TensorShapeProto: { dim: many(1, "DimensionProto") },
    TensorTypeProto: { elemType: one(1, "int32"), shape: one(2, "TensorShapeProto") },
    TypeProto: {
      tensorType: one(1, "TensorTypeProto"),
      sequenceType: one(4, "bytes"),
      mapType: one(5, "bytes"),
      optionalType: one(9, "bytes"),
    },
    ValueInfoProto: { name: one(1, "string"), type: one(2, "TypeProto") },
    GraphProto: {
      node: many(1, "NodeProto"),
      name: one(2, "string"),
      initializer: many(5, "TensorProto"),
      input: many(11, "ValueInfoProto"),
      output: many(12, "ValueInfoProto"),
      valueInfo: many(13, "ValueInfoProto"),
      sparseInitializer: many(15, "bytes"),
    },
    FunctionProto: { name: one(1, "string"), domain: one(10, "string") },
    ModelProto: {
      irVersion: one(1, "int64"),
      producerName: one(2, "string"),
      producerVersion: one(3, "string"),
      graph: one(7, "GraphProto"),
      opsetImport: many(8, "OperatorSetIdProto"),
      metadataProps: many(14, "StringStringEntryProto"),
      functions: many(25, "FunctionProto"),
    },
  };

/** Whether a field's type is a message of its own. */
export const isMessage = (type: Field["type"]): type is MessageName => Object.hasOwn(FIELDS, type);

/** How the numbers and texts stand in the bytes. */
export const WIRE_TYPES: Readonly<Record<ScalarType, WireType>> = {
  int32: WireType.Varint,
  int64: WireType.Varint,
  uint64: WireType.Varint,
  float: WireType.Bit32,
  double: WireType.Bit64,
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
};
