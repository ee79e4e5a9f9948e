// The manifest beside the generated files: ports, packing, formats, cycles, sizes, and a hash of every file.
// A machine-readable contract for harnesses, flows and users; written as design/manifest.json.

export const MANIFEST_SCHEMA = "noisefloor.manifest/4";

/** How one AXI4-Stream port carries a tensor. */
export interface StreamPort {
  /** Beginning of its signals' names: `s_axis`, with the input's name behind it where there are several. */
  readonly name: string;
  /** Program values on this port, in packet order (one, or logits then class). */
  readonly values: readonly StreamedValue[];
  /** Elements side by side in one beat. */
  readonly lanes: number;
  /** Bits of one lane, a multiple of 8; lane i is tdata[i*laneBits +: laneBits]. */
  readonly laneBits: number;
  /** Beats of one packet, all values. */
  readonly beats: number;
}

export interface StreamedValue {
  readonly value: string;
  readonly role: "input" | "logits" | "class" | "value";
  readonly shape: readonly number[];
  readonly elements: number;
  readonly beats: number;
  readonly signed: boolean;
  readonly width: number;
  /** Binary point: value = integer * 2^-fraction. */
  readonly fraction: number | readonly number[];
  /** The integer is a bit b, and the value is (2b - 1) * 2^-fraction; absent for all others. */
  readonly bipolar?: true;
}

/** One hardware stage, in stream order. */
export interface StageEntry {
  /** Instance name in the top module. */
  readonly instance: string;
  readonly module: string;
  readonly layer: string;
  readonly op: string;
  readonly pe: number;
  readonly simd: number;
  /** Cycles that the stage is busy with one packet. */
  readonly cycles: number;
  /** Elements that its memories have room for, where it stores a stream; of all memories together. */
  readonly storedElements?: number;
}

/** An element stream that the simulation wrapper reports: every element of `value`, in order, packet after packet. */
export interface TapEntry {
  readonly index: number;
  readonly value: string;
  readonly layer: string;
  readonly kind: "accumulator" | "stream";
  readonly elements: number;
  readonly signed: boolean;
  readonly width: number;
}

export interface RtlManifest {
  readonly top: string;
  readonly architecture: "folded";
  /** Verilog sources of the shipped design under rtl/, in compile order; never a tap. */
  readonly sources: readonly string[];
  /** Memory images under rtl/, read by $readmemh. */
  readonly memories: readonly string[];
  /** Simulation wrapper under tb/ (module name and file): same ports as the top, plus taps. */
  readonly tapWrapper: { readonly module: string; readonly file: string };
  /** Under tb/: SystemVerilog that binds the rules of its ports to the top module, as assertions. */
  readonly rules: string;
  readonly taps: readonly TapEntry[];
  /** In the order of the program's inputs; packets of the same place in order are one inference. */
  readonly inputs: readonly StreamPort[];
  readonly outputs: readonly StreamPort[];
  readonly clockMHz: number;
  /** Clock edges from the first accepted input beat to the last accepted output beat, of all ports, of the first packet. */
  readonly latencyCycles: number;
  /** Clock edges between the last output beats of consecutive packets in steady state. */
  readonly intervalCycles: number;
  readonly stages: readonly StageEntry[];
}

export interface CManifest {
  /** Files under c/, the model's header first. */
  readonly sources: readonly string[];
  readonly header: string;
  /** Function, type and macro prefix of the model. */
  readonly prefix: string;
  /** Bytes of constant data, exact. */
  readonly flashBytes: number;
  /** Bytes of the caller-given state plus static data. */
  readonly ramBytes: number;
  /** Name of the state struct's type. */
  readonly stateType: string;
  /** void runFunction(stateType *, inputs as const pointers in order, outputs as pointers in order). */
  readonly runFunction: string;
  readonly inputs: readonly CPort[];
  readonly outputs: readonly COutputPort[];
  /** Functions void(const cType * for each input, resultCType *) of the single stages, visible when compiled with -DNF_TRACE. */
  readonly layers: readonly CLayer[];
}

/** One array that the run function takes. */
export interface CPort {
  /** The program's value. */
  readonly value: string;
  /** Parameter name. */
  readonly parameter: string;
  /** Element type, such as uint8_t. */
  readonly cType: string;
  readonly elements: number;
}

export interface COutputPort extends CPort {
  /** The program's output. */
  readonly output: string;
  readonly role: "logits" | "class" | "value";
}

/** One instruction as a C function, in program order; reshape has none. */
export interface CLayer {
  readonly layer: string;
  readonly op: string;
  readonly function: string;
  /** In the order of the function's parameters. */
  readonly inputs: readonly CLayerInput[];
  /** The program's value. */
  readonly result: string;
  readonly resultCType: string;
  readonly resultElements: number;
  /** Type in which a dense or conv layer sums; absent for other instructions. */
  readonly accumulatorCType?: string;
}

/** One array that a stage function reads. */
export interface CLayerInput {
  /** The program's value. */
  readonly value: string;
  readonly cType: string;
  readonly elements: number;
}

/** What the integers of a value stand for: integer * scale + offset, one each or one for each channel. */
export interface Scale {
  readonly scale: number | readonly number[];
  readonly offset: number | readonly number[];
}

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly generator: { readonly name: "noisefloor"; readonly version: string };
  readonly model: string;
  readonly rtl?: RtlManifest;
  readonly c?: CManifest;
  /** Of inputs and outputs whose model file states its quantizers; goes before the binary point of the port. */
  readonly scales?: Readonly<Record<string, Scale>>;
  /** SHA-256 (hex) of every other file under design/, by path. */
  readonly files: Readonly<Record<string, string>>;
}
