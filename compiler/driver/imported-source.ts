// The network of a model that comes from a file, for the text that names it. In: an opened model, or what is left of one in
// a build directory. Out: answers to the language.
import type { FileQueries } from "../dsl/check-data.ts";
import type { FloatNetwork } from "../graph/first-weights.ts";
import type { Graph } from "../graph/graph.ts";
import { type ImportedModel, type ImportedNode, importedInputsOf } from "../graph/imported.ts";
import type { Project, StatedNetwork } from "../graph/project.ts";
import { statedQuantizers } from "../import/draft.ts";
import { floatNetworkOf } from "../import/float-network.ts";
import type { OpenedImport } from "../import/open.ts";
import { compilerAssert } from "../support/assert.ts";

type ImportQueries = Required<Pick<FileQueries, "imported" | "stated">>;

/** Answers what a model text asks of the one file that it names. That of a float network throws what `floatNetworkOf` throws. */
export function importQueries({ model, digest }: Pick<OpenedImport, "model" | "digest">): ImportQueries {
  const isStated = statedQuantizers(model).length > 0;
  return {
    stated: () => (isStated ? statedNetworkOf(model, digest) : undefined),
    imported: (_, valuesOf) => ({ ...floatNetworkOf(model, valuesOf), digest }),
  };
}

function statedNetworkOf({ nodes, constants, outputs }: ImportedModel, digest: string): StatedNetwork {
  const named = (name: string): ImportedNode => {
    const found = nodes.find((node) => node.name === name);
    compilerAssert(found, `the model has no node ${name}`);
    return found;
  };
  return {
    inputs: nodes.filter(({ kind }) => kind === "input").map(({ name, shape }) => ({ name, shape })),
    outputs: outputs.map(({ name, node }) => {
      const end = named(node);
      const isClass = end.kind === "argmax";
      return { name, shape: isClass ? named(importedInputsOf(end)[0]!).shape : end.shape, isClass };
    }),
    layers: nodes.flatMap((node) => {
      if (node.kind !== "dense" && node.kind !== "conv") return [];
      const { name, units } = node;
      return [{ name, units, inputs: constants.get(name)!.weights.length / units }];
    }),
    digest,
  };
}

/** train/imported.json */
export function importedText({ graph, imported }: Project): string {
  compilerAssert(imported, "the model comes from a file");
  return `${JSON.stringify({ graph, layers: [...imported.weights.keys()], digest: imported.digest })}\n`;
}

interface SavedGraph {
  readonly graph: Graph;
  /** Of `graph`, those that had weights in the file. */
  readonly layers: readonly string[];
  readonly digest: string;
}

/** Answers by train/imported.json: the graph without its weights, for a network that is trained already. */
export function savedQuery({ graph, layers, digest }: SavedGraph): ImportQueries["imported"] {
  const none = { weights: new Float32Array(0), bias: null, norm: null };
  const network: FloatNetwork = { graph, weights: new Map(layers.map((name) => [name, none])) };
  return () => ({ ...network, digest });
}
