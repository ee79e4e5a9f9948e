// The nodes of a file that its outputs need, in an order in which tensors come before their readers. In: a decoded
// graph. Out: that order, who reads what, and what is wrong with the graph's own soundness.
import type { DiagnosticCollector } from "../../support/diagnostics.ts";
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from "./messages.ts";

export interface FileNode {
  readonly proto: NodeProto;
  /** Its own name, else that of its first output. */
  readonly name: string;
  /** Place in the file, from 1. */
  readonly place: number;
}

export interface FileGraph {
  /** Those that an output needs, inputs before their users. */
  readonly nodes: readonly FileNode[];
  readonly initializers: ReadonlyMap<string, TensorProto>;
  /** Inputs that are no initialisers. */
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly string[];
  /** Readers of each tensor; an output of the network counts through `outputs` alone. */
  readonly readers: ReadonlyMap<string, readonly FileNode[]>;
}

const MAX_INPUTS = 1000;
const MAX_OUTPUTS = 1000;
/** Nodes that are looked at. */
const MAX_NODES = 10_000;

/** Reads the graph's structure; problems go to the collector. Undefined where there is no order. */
export function readGraph(graph: GraphProto, collector: DiagnosticCollector): FileGraph | undefined {
  const all = (graph.node ?? []).map(
    (proto, i): FileNode => ({ proto, name: nameOf(proto, i), place: i + 1 }),
  );
  const initializers = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const inputs = (graph.input ?? []).filter(({ name = "" }) => !initializers.has(name));
  const makers = new Map<string, FileNode>();
  const taken = new Set([...initializers.keys(), ...inputs.map(({ name = "" }) => name)]);
  for (const node of all)
    for (const output of node.proto.output ?? []) {
      if (output === "") continue;
      if (taken.has(output)) collector.add("import/duplicate-tensor", { tensor: output });
      taken.add(output);
      makers.set(output, node);
    }
  const outputs = (graph.output ?? []).map(({ name = "" }) => name);
  for (const output of outputs)
    if (!taken.has(output))
      collector.add("import/missing-tensor", { node: "the graph's output", tensor: output });
  for (const output of outputs.slice(0, MAX_OUTPUTS))
    if (outputs.indexOf(output) !== outputs.lastIndexOf(output)) {
      collector.add("import/duplicate-tensor", { tensor: output });
      break;
    }
  if (inputs.length > MAX_INPUTS)
    collector.add("import/too-large", { what: "inputs", found: inputs.length, limit: MAX_INPUTS });
  if (outputs.length > MAX_OUTPUTS)
    collector.add("import/too-large", { what: "outputs", found: outputs.length, limit: MAX_OUTPUTS });
  if (collector.hasErrors()) return undefined;
  const needed = neededNodes(outputs, makers);
  if (needed.size > MAX_NODES) {
    collector.add("import/too-large", { what: "nodes of the network", found: needed.size, limit: MAX_NODES });
    return undefined;
  }
  const readers = new Map<string, FileNode[]>();
  for (const node of all) {
    if (!needed.has(node)) continue;
    for (const tensor of new Set(node.proto.input)) {
      if (tensor === "") continue;
      if (!taken.has(tensor)) collector.add("import/missing-tensor", { node: node.name, tensor });
      const list = readers.get(tensor) ?? [];
      list.push(node);
      readers.set(tensor, list);
    }
  }
  const nodes = sorted(needed, makers, readers, collector);
  return collector.hasErrors() ? undefined : { nodes, initializers, inputs, outputs, readers };
}

const nameOf = ({ name, output, opType = "" }: NodeProto, index: number): string =>
  name || output?.find((tensor) => tensor !== "") || `${opType}.${index + 1}`;

function neededNodes(
  outputs: readonly string[],
  makers: ReadonlyMap<string, FileNode>,
): ReadonlySet<FileNode> {
  const needed = new Set<FileNode>();
  const waiting = outputs.flatMap((name) => makers.get(name) ?? []);
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    for (const tensor of node.proto.input ?? []) {
      const maker = makers.get(tensor);
      if (maker && !needed.has(maker)) waiting.push(maker);
    }
  }
  return needed;
}

/** Needed nodes after those whose tensors they read, else in the file's order. */
function sorted(
  needed: ReadonlySet<FileNode>,
  makers: ReadonlyMap<string, FileNode>,
  readers: ReadonlyMap<string, readonly FileNode[]>,
  collector: DiagnosticCollector,
): readonly FileNode[] {
  const missing = new Map<FileNode, number>();
  for (const node of needed)
    missing.set(node, [...new Set(node.proto.input)].filter((tensor) => makers.has(tensor)).length);
  const ready = [...needed].filter((node) => missing.get(node) === 0).sort((a, b) => a.place - b.place);
  for (let at = 0; at < ready.length; at++)
    for (const output of ready[at]!.proto.output ?? [])
      for (const reader of readers.get(output) ?? []) {
        const left = missing.get(reader)! - 1;
        missing.set(reader, left);
        if (left === 0) ready.push(reader);
      }
  if (ready.length < needed.size) {
    const done = new Set(ready);
    collector.add("import/cycle", { nodes: [...needed].filter((n) => !done.has(n)).map((n) => n.name) });
  }
  return ready;
}

/** Asked once for each node, in their order: the tensors that nothing reads after it. Those may be forgotten. */
export function createLastReadings({ readers, outputs }: FileGraph): (node: FileNode) => readonly string[] {
  const left = new Map([...readers].map(([name, list]) => [name, list.length]));
  for (const name of outputs) left.delete(name);
  return ({ proto }) =>
    [...new Set(proto.input)].filter((name) => {
      const count = left.get(name);
      if (count !== undefined) left.set(name, count - 1);
      return count === 1;
    });
}
