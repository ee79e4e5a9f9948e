// The network of a model that comes from a file, for the text that names it. In: an opened model, or what training left of
// one. Out: answers to the language.
import type { FileQueries } from "../dsl/check-data.ts";
import type { FloatNetwork } from "../graph/first-weights.ts";
import type { Graph } from "../graph/graph.ts";
import type { Project } from "../graph/project.ts";
import { statedQuantizers } from "../import/draft.ts";
import { floatNetworkOf } from "../import/float-network.ts";
import type { OpenedImport } from "../import/open.ts";
import { compilerAssert } from "../support/assert.ts";
import { fail } from "../support/diagnostics.ts";

/**
 * Answers what a model text asks of the one file that it names. The answer throws import/several-inputs and
 * import/stated-quantizers, and what `floatNetworkOf` throws.
 */
export function importedQuery({
  model,
  digest,
}: Pick<OpenedImport, "model" | "digest">): NonNullable<FileQueries["imported"]> {
  return (_, values) => {
    const { name, nodes } = model;
    const inputs = nodes.filter(({ kind }) => kind === "input").map((node) => node.name);
    if (inputs.length > 1) fail("import/several-inputs", { model: name, names: inputs });
    const quantized = statedQuantizers(model);
    if (quantized.length > 0) fail("import/stated-quantizers", { model: name, nodes: quantized });
    return { ...floatNetworkOf(model, values), digest };
  };
}

/** train/imported.json */
export function importedText({ graph, imported }: Project): string {
  compilerAssert(imported, "the model comes from a file");
  return `${JSON.stringify({ graph, layers: [...imported.weights.keys()], digest: imported.digest })}\n`;
}

/** Answers by train/imported.json: the graph without its weights, for a network that is trained already. */
export function savedQuery(saved: unknown): NonNullable<FileQueries["imported"]> {
  const { graph, layers, digest } = saved as { graph: Graph; layers: string[]; digest: string };
  const none = { weights: new Float32Array(0), bias: null, norm: null };
  const network: FloatNetwork = { graph, weights: new Map(layers.map((name) => [name, none])) };
  return () => ({ ...network, digest });
}
