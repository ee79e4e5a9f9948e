// The bytes of an ONNX file -> an imported network, or everything that stands in the way. Pure: files beside the model
// come through a reader that the host gives.
import type { GraphOutput } from "../../graph/graph.ts";
import type { ImportedNode } from "../../graph/imported.ts";
import { importedInputsOf } from "../../graph/imported.ts";
import { MAX_ELEMENTS, product } from "../../graph/shapes.ts";
import { createCollector, createDiagnostic, DiagnosticError, fail } from "../../support/diagnostics.ts";
import type { ExternalReader, ImportedPort, ModelImport, ModelSource } from "../model-import.ts";
import type { Call, Value, Warning } from "./call.ts";
import { createAllowance, MAX_RANK, withCountedReads } from "./constant.ts";
import { DamagedFile, decodeMessage } from "./decode.ts";
import { createLastReadings, type FileGraph, type FileNode, readGraph } from "./graph.ts";
import { inputOrder } from "./input-order.ts";
import type { ModelProto, ValueInfoProto } from "./messages.ts";
import { createNetwork, type Grid, type Maker, type Tensor } from "./network.ts";
import { folded } from "./operators/fold.ts";
import { adviceFor, domainOf, operatorOf } from "./operators.ts";
import { integerRange, isFloatType, tensorConstant } from "./tensors.ts";
import { withOrderedUnits } from "./unit-order.ts";
import { sizeOf, viewOf } from "./view.ts";

export const OLDEST_OPSET = 7;
export const NEWEST_OPSET = 26;

/** Problems that are reported one by one. */
const MAX_PROBLEMS = 50;
/** Problems after which nothing more is looked at. */
const MANY_PROBLEMS = 1000;

/** Reads a model. Throws a DiagnosticError with all problems at once. */
export function readOnnx(bytes: Uint8Array, source: ModelSource): ModelImport {
  const { path } = source;
  let model: ModelProto;
  try {
    model = decodeMessage("ModelProto", bytes);
  } catch (error) {
    if (error instanceof DiagnosticError)
      throw new DiagnosticError(error.diagnostics.map((d) => ({ ...d, file: path })));
    if (!(error instanceof DamagedFile)) throw error;
    return fail("import/damaged", { path, format: "ONNX", problem: error.message }, { file: path });
  }
  if (!model.graph)
    return fail("import/damaged", { path, format: "ONNX", problem: "it holds no graph" }, { file: path });
  try {
    return readModel(model, bytes.length, source);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const all = error.diagnostics.map((d) => (d.file === undefined ? { ...d, file: path } : d));
    const more = createDiagnostic(
      "import/more-problems",
      { count: all.length - MAX_PROBLEMS },
      { file: path },
    );
    throw new DiagnosticError(all.length > MAX_PROBLEMS ? [...all.slice(0, MAX_PROBLEMS), more] : all);
  }
}

const noExternal: ExternalReader = () => undefined;

function readModel(
  model: ModelProto,
  size: number,
  { path, readExternal = noExternal }: ModelSource,
): ModelImport {
  const collector = createCollector(MANY_PROBLEMS);
  const opsets = new Map((model.opsetImport ?? []).map((o) => [domainOf(o.domain), o.version ?? 1]));
  const opset = opsets.get("") ?? 1;
  const file = readGraph(model.graph!, collector);
  if (!file) throw new DiagnosticError(collector.diagnostics);
  checkOperators(file, model, opsets, opset, collector);

  const network = createNetwork(createAllowance(size));
  const values = new Map<string, Value | "unknown">();
  const isolated = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      for (const diagnostic of error.diagnostics) collector.push(diagnostic);
      // Nothing more is worth its work when a limit of all work is reached.
      if (error.diagnostics.some(({ code }) => code === "import/too-large")) collector.throwIfErrors();
      return undefined;
    }
  };
  const lookUp = (name: string): Value | "unknown" => {
    const known = values.get(name);
    if (known) return known;
    const tensor = file.initializers.get(name);
    const constant = tensor && isolated(() => tensorConstant(tensor, name, readExternal, network.allowance));
    const value = constant ?? "unknown";
    values.set(name, value);
    return value;
  };

  const origin = (line: number) => ({ file: path, line, column: 1 });
  const used = file.inputs.filter(({ name = "" }) => file.readers.has(name) || file.outputs.includes(name));
  const batchSize = isolated(() => batchSizeOf(used)) ?? 1;
  const inputs: ImportedPort[] = [];
  for (const info of file.inputs) {
    const { name = "" } = info;
    if (!used.includes(info)) {
      collector.add("import/unused-input", { tensor: name });
      continue;
    }
    const read = isolated(() => {
      const { dims, batch, stored } = inputType(info, file);
      const order = inputOrder(file, name, dims, batch, (tensor) => {
        const value = file.initializers.has(tensor) ? lookUp(tensor) : "unknown";
        return value === "unknown" ||
          value.kind === "tensor" ||
          value.dims.length > 1 ||
          (value.dims[0] ?? 1) > MAX_RANK
          ? undefined
          : [...value.numbers()];
      });
      const shape = order.map((axis) => dims[axis]!);
      const node = network.addInput(name, shape.length > 0 ? shape : [1], origin(1), stored);
      inputs.push({ name, fileShape: fileShape(info), axes: order });
      return { kind: "tensor", node, view: viewOf(dims, order, batch), grid: null } as const;
    });
    values.set(name, read ?? "unknown");
  }

  const layers = layersOf(model);
  const shared = new Set<string>();
  const lasting = lastTensors(file);
  const lastRead = createLastReadings(file);
  for (const node of file.nodes) {
    const { proto } = node;
    const domain = domainOf(proto.domain);
    const known = operatorOf(domain, proto.opType ?? "");
    const operands = (proto.input ?? []).map((name) => (name === "" ? undefined : lookUp(name)));
    const results =
      known && !operands.includes("unknown")
        ? isolated(() => {
            const call: Call = {
              name: node.name,
              operator: domain === "" ? (proto.opType ?? "") : `${domain}.${proto.opType}`,
              origin: origin(node.place),
              node: proto,
              opset: domain === "" ? opset : (opsets.get(domain) ?? 1),
              operands: operands as readonly (Value | undefined)[],
              network,
              batchSize,
              readExternal,
              isShared: ({ node: name }: Tensor) => shared.has(name),
              readersOf: (name: string) => (file.readers.get(name) ?? []).map(({ proto }) => proto),
              layer: layers.get(node.name),
              isLast: lasting.has(proto.output?.[0] ?? ""),
              warn: (warning: Warning) => {
                const parameters = { node: node.name, operator: proto.opType ?? "", ...warning };
                collector.push(createDiagnostic(warning.code, parameters as never));
              },
            };
            const constants = folded(call);
            if (constants) return constants;
            if (known.read) return known.read(call);
            return fail("import/unsupported-operator", {
              nodes: [node.name],
              operator: call.operator,
              opset,
              advice: "it is computed on constants only",
            });
          })
        : undefined;
    (proto.output ?? []).forEach((name, i) => {
      if (name === "") return;
      const result = results?.[i] ?? "unknown";
      const value =
        result !== "unknown" && result.kind === "constant"
          ? withCountedReads(result, network.allowance)
          : result;
      values.set(name, value);
      const readers = file.readers.get(name)?.length ?? 0;
      if (value !== "unknown" && value.kind === "tensor" && (readers !== 1 || file.outputs.includes(name)))
        shared.add(value.node);
    });
    for (const name of lastRead(node)) values.delete(name);
  }
  const ends = file.outputs.map((name) => isolated(() => outputOf(name, lookUp(name), network, file)));
  collector.throwIfErrors();
  ends.forEach((end, i) => {
    const problem = `the output ${JSON.stringify(file.outputs[i])} depends on a second output of a node that is not read`;
    if (!end) fail("import/no-network", { path, problem });
  });
  const outputs: GraphOutput[] = ends.map((end) => ({ name: end!.port.name, node: end!.node }));
  const needed = reachable(network.nodes, outputs);
  const nodes = reachable(withOrderedUnits(needed, network.constants, outputs), outputs);
  if (outputs.length === 0 || !nodes.some((node) => node.kind === "input"))
    fail("import/no-network", { path, problem: "no output depends on an input" });
  const kept = new Set(nodes.map(({ name }) => name));
  const constants = new Map([...network.constants].filter(([name]) => kept.has(name)));
  return {
    model: { name: modelName(path), format: `onnx ${opset}`, nodes, constants, outputs },
    inputs: inputs.filter(({ name }) => kept.has(name)),
    outputs: ends.map((end) => end!.port),
    warnings: collector.diagnostics,
  };
}

/** The metadata that names the layer of each node, as `export` writes it. */
export const LAYERS_KEY = "noisefloor.layers";

/** By name of a node the layer that it belongs to; nothing of what is no JSON of names. */
function layersOf({ metadataProps }: ModelProto): ReadonlyMap<string, string> {
  const text = metadataProps?.find(({ key }) => key === LAYERS_KEY)?.value;
  try {
    const layers: unknown = JSON.parse(text ?? "{}");
    const pairs = typeof layers === "object" && layers !== null ? Object.entries(layers) : [];
    return new Map(pairs.filter((pair): pair is [string, string] => isName(pair[1])));
  } catch {
    return new Map();
  }
}

const isName = (name: unknown): boolean => typeof name === "string" && name.length > 0 && name.length <= 1000;

/** Refuses by name, all at once, what no reader is there for. */
function checkOperators(
  file: FileGraph,
  model: ModelProto,
  opsets: ReadonlyMap<string, number>,
  opset: number,
  collector: ReturnType<typeof createCollector>,
): void {
  if (opset < OLDEST_OPSET) collector.add("import/old-opset", { opset, oldest: OLDEST_OPSET });
  if (opset > NEWEST_OPSET) collector.add("import/newer-opset", { opset, newest: NEWEST_OPSET });
  const functions = new Set(
    (model.functions ?? []).map(({ domain, name = "" }) => `${domainOf(domain)}:${name}`),
  );
  const unknown = new Map<
    string,
    { readonly domain: string; readonly operator: string; readonly nodes: string[] }
  >();
  for (const { proto, name } of file.nodes) {
    const [domain, operator] = [domainOf(proto.domain), proto.opType ?? ""];
    if (functions.has(`${domain}:${operator}`)) collector.add("import/function", { node: name, operator });
    else if (!operatorOf(domain, operator)) {
      const key = `${domain}:${operator}`;
      const entry = unknown.get(key) ?? { domain, operator, nodes: [] };
      entry.nodes.push(name);
      unknown.set(key, entry);
    }
  }
  for (const { domain, operator, nodes } of unknown.values())
    collector.add("import/unsupported-operator", {
      nodes,
      operator: cutName(domain === "" ? operator : `${domain}.${operator}`),
      opset: opsets.get(domain) ?? opset,
      advice: adviceFor(domain, operator),
    });
}

const cutName = (name: string): string => JSON.stringify(name.slice(0, 80)).slice(1, -1);

const fileShape = ({ type }: ValueInfoProto): readonly (number | null)[] =>
  (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => (dimValue && dimValue > 0 ? dimValue : null));

/** Samples in the batch dimension of the inputs, 1 where all leave it open. */
function batchSizeOf(inputs: readonly ValueInfoProto[]): number {
  let size = 1;
  for (const info of inputs) {
    const [first = null, ...rest] = fileShape(info);
    if (first === null || first === 1 || rest.length === 0) continue;
    if (size !== 1 && size !== first)
      fail("import/bad-shape", {
        tensor: info.name ?? "",
        problem: `its batch dimension is ${first}, that of another input ${size}`,
      });
    size = first;
  }
  return size;
}

function inputType(info: ValueInfoProto, file: FileGraph) {
  const { name = "" } = info;
  const bad = (problem: string): never => fail("import/bad-shape", { tensor: name, problem });
  const type = info.type?.tensorType;
  if (!type?.shape) return bad("the input is no tensor of a known shape");
  const shape = fileShape(info);
  if (shape.length > MAX_RANK) bad(`it has ${shape.length} axes; at most ${MAX_RANK} are read`);
  if (shape.length === 0) bad("it is a single number");
  const batch = shape.length > 1 && !startsWithUnsqueeze(file, name, shape[0]!) ? 0 : -1;
  const dims = shape.map((size, axis) => (axis === batch ? 1 : size));
  const open = dims.indexOf(null);
  if (open >= 0) {
    const { dimValue } = type.shape.dim?.[open] ?? {};
    const is = dimValue === undefined ? "not fixed" : `${dimValue}, which is no size`;
    bad(`the size of its axis ${open} is ${is}`);
  }
  const sizes = dims as number[];
  if (!sizes.every(Number.isSafeInteger) || product(sizes) > MAX_ELEMENTS)
    bad(`${shape.map((size) => size ?? "?").join("x")} has more than ${MAX_ELEMENTS} elements`);
  const { elemType = 0 } = type;
  const range = integerRange(elemType);
  if (!isFloatType(elemType) && (!range || range[1] > 2 ** 16))
    bad(`its element type ${elemType} is no float and no integer of up to 16 bits`);
  const stored = range
    ? { signed: range[0] < 0, width: Math.log2(range[1] - range[0] + 1), fraction: 0 }
    : null;
  return { dims: sizes, batch, stored };
}

/** Whether the batch dimension of a fixed shape is added by the model itself. */
function startsWithUnsqueeze(file: FileGraph, name: string, first: number | null): boolean {
  const readers = file.readers.get(name) ?? [];
  return (
    first !== null &&
    first > 1 &&
    readers.length > 0 &&
    readers.every(({ proto }) => {
      const axes = proto.attribute?.find((a) => a.name === "axes")?.ints;
      return proto.opType === "Unsqueeze" && (axes === undefined || axes.includes(0));
    })
  );
}

const HANDED_ON: ReadonlySet<string> = new Set([
  "Identity",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Cast",
  "ArgMax",
  "Dropout",
]);

/** Tensors from which only outputs of the network follow, through operators that keep the order of the values. */
function lastTensors(file: FileGraph): ReadonlySet<string> {
  const last = new Set<string>();
  for (const { proto } of file.nodes.toReversed()) {
    const output = proto.output?.[0] ?? "";
    const readers = file.readers.get(output) ?? [];
    const handsOn = ({ proto: reader }: FileNode): boolean =>
      HANDED_ON.has(reader.opType ?? "") &&
      reader.input?.[0] === output &&
      last.has(reader.output?.[0] ?? "");
    if (readers.every(handsOn)) last.add(output);
  }
  return last;
}

/** An output as the network has it: channels last, and flat tensors in the file's order. */
function outputOf(
  name: string,
  value: Value | "unknown",
  network: ReturnType<typeof createNetwork>,
  file: FileGraph,
): { readonly node: string; readonly port: ImportedPort } | undefined {
  if (value === "unknown") return undefined;
  if (value.kind === "constant")
    return fail("import/bad-shape", { tensor: name, problem: "the output is a constant" });
  const first = file.nodes.length > 0 ? network.nodeNamed(value.node).origin : undefined;
  const maker = { name, operator: "output", origin: first ?? { file: "", line: 1, column: 1 } };
  const node = value.grid ? integersOf(maker, value, value.grid, network) : value.node;
  return portOf(name, { ...value, node }, maker, network);
}

/** Integers of the file as the numbers that they are. */
function integersOf(
  maker: Maker,
  { node }: Tensor,
  { scale, zeroPoint }: Grid,
  network: ReturnType<typeof createNetwork>,
): string {
  const [divisor, offset] = [scale.numbers(), zeroPoint.numbers()];
  const gain = divisor.map((s) => 1 / s);
  return network.add(maker, { kind: "affine", input: node, gain, divisor, offset });
}

function portOf(
  name: string,
  value: Tensor,
  maker: Maker,
  network: ReturnType<typeof createNetwork>,
): { readonly node: string; readonly port: ImportedPort } {
  const { view } = value;
  const inMemory = view.axes
    .map((own, axis) => ({ own, axis }))
    .filter(({ own }) => own.length > 0)
    .sort((a, b) => a.own[0]! - b.own[0]!);
  const isWhole = inMemory.flatMap(({ own }) => own).every((factor, i) => factor === i);
  const order = isWhole ? inMemory : inMemory.toSorted((a, b) => a.axis - b.axis);
  const { shape } = network.nodeNamed(value.node);
  const rest = [...order];
  const axes = shape.map((size) => (size === 1 ? -1 : (rest.shift()?.axis ?? -2)));
  const fits =
    isWhole && axes.every((axis, i) => axis === -1 || (axis >= 0 && sizeOf(view, axis) === shape[i]));
  const fileDims = view.axes.map((_, axis) => (axis === view.batch ? null : sizeOf(view, axis)));
  const port = { name, fileShape: fileDims };
  if (fits && rest.length === 0 && !(order.length <= 1 && view.axes.length <= 2 && shape.length > 1))
    return { node: value.node, port: { ...port, axes } };
  const groups = order.length > 0 ? order.map(({ own }) => own) : [[]];
  const node = network.arranged(maker, value, groups);
  return { node, port: { ...port, axes: order.map(({ axis }) => axis) } };
}

/** Nodes that an output depends on. */
function reachable(nodes: readonly ImportedNode[], outputs: readonly GraphOutput[]): readonly ImportedNode[] {
  const needed = new Set(outputs.map(({ node }) => node));
  for (const node of nodes.toReversed())
    if (needed.has(node.name)) for (const input of importedInputsOf(node)) needed.add(input);
  return nodes.filter(({ name }) => needed.has(name));
}

/** The file's name without folder and ending. */
function modelName(path: string): string {
  return (
    path
      .split(/[\\/]/)
      .at(-1)!
      .replace(/\.onnx$/i, "") || "model"
  );
}
