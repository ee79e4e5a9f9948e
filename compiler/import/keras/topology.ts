// Who feeds whom. In: the description of a Sequential or functional model, as Keras 2, Keras 3 or TensorFlow.js write
// it. Out: the uses of layers in an order in which inputs come before their users. Nothing is read of the layers yet.
import { fail } from "../../support/diagnostics.ts";
import { fieldOf, isObject, type JsonObject, shown } from "./json-text.ts";
import { MAX_LAYERS } from "./limits.ts";

export interface LayerDescription {
  readonly name: string;
  /** As Keras calls it, without a package before ">". */
  readonly className: string;
  /** A function of keras.ops rather than a layer; it is named like one. */
  readonly isOperation: boolean;
  readonly config: JsonObject;
}

/** One use of a layer; a shared layer has several. */
export interface LayerCall {
  readonly layer: LayerDescription;
  /** 0 for the first use. */
  readonly use: number;
  /** Keys of the calls that feed it. */
  readonly inputs: readonly string[];
  /** What else the call is given, as a message shows it; undefined: nothing that counts. */
  readonly extra: string | undefined;
}

export interface Topology {
  readonly name: string;
  readonly layers: readonly LayerDescription[];
  /** By key, inputs before their users; only what the outputs need. */
  readonly calls: ReadonlyMap<string, LayerCall>;
  /** Keys of calls. */
  readonly outputs: readonly string[];
}

const MODELS = ["Functional", "Sequential", "Model"];
/** Arguments of a call that do not change what it computes. */
const IDLE_ARGUMENTS = ["training", "mask"];

const keyOf = (layer: string, use: number): string => `${use}/${layer}`;

function broken(path: string, problem: string): never {
  return fail("import/keras-topology", { path, problem });
}

const plainClass = (value: unknown): string | undefined =>
  typeof value === "string" ? value.slice(value.lastIndexOf(">") + 1) : undefined;

function describeLayer(value: unknown, path: string): LayerDescription {
  const className = plainClass(fieldOf(value, "class_name"));
  const config = fieldOf(value, "config");
  const name = fieldOf(config, "name") ?? fieldOf(value, "name");
  if (className === undefined || !isObject(config) || typeof name !== "string" || name === "")
    return broken(path, `a layer without class, name or settings: ${shown(value)}`);
  if (MODELS.includes(className))
    return broken(path, `the layer ${JSON.stringify(name)} is a model in the model (${className})`);
  const module = fieldOf(value, "module");
  return {
    name,
    className,
    isOperation: typeof module === "string" && /(?:^|\.)ops(?:\.|$)/.test(module),
    config: { build_config: fieldOf(value, "build_config"), ...config },
  };
}

/** Reads the description of a model: an object with class_name and config. Throws import/keras-topology. */
export function readTopology(model: unknown, path: string): Topology {
  const className = plainClass(fieldOf(model, "class_name"));
  const config = fieldOf(model, "config");
  if (className === undefined || !MODELS.includes(className) || config === undefined)
    return broken(path, `no Sequential or functional model, but ${shown(className)}`);
  const given = fieldOf(config, "name");
  const name = typeof given === "string" && given !== "" ? given : "model";
  const list = Array.isArray(config) ? config : fieldOf(config, "layers");
  if (!Array.isArray(list) || list.length === 0) return broken(path, "the model has no list of layers");
  if (list.length > MAX_LAYERS) {
    const parameters = { path, what: "layers", found: list.length, limit: MAX_LAYERS };
    return fail("import/keras-too-large", parameters);
  }
  const layers = list.map((value) => describeLayer(value, path));
  const names = new Set<string>();
  for (const layer of layers) {
    if (names.has(layer.name)) broken(path, `two layers are named ${JSON.stringify(layer.name)}`);
    names.add(layer.name);
  }
  return className === "Sequential"
    ? sequential(name, layers, config, path)
    : functional(name, layers, list, config, path);
}

/** Sizes of the input, with the batch in front. */
function batchShape(...sources: readonly unknown[]): unknown {
  for (const source of sources)
    for (const field of ["batch_shape", "batch_input_shape", "build_input_shape", "input_shape"]) {
      const value = fieldOf(source, field);
      if (Array.isArray(value)) return value;
    }
  return undefined;
}

function sequential(
  name: string,
  given: readonly LayerDescription[],
  config: unknown,
  path: string,
): Topology {
  const first = given[0]!;
  let layers = given;
  if (first.className !== "InputLayer") {
    const shape = batchShape(first.config, config, fieldOf(first.config, "build_config"));
    if (shape === undefined) return broken(path, "the Sequential model does not say the shape of its input");
    const taken = new Set(given.map((layer) => layer.name));
    let input = "input";
    while (taken.has(input)) input += "_";
    const source = { name: input, className: "InputLayer", isOperation: false };
    layers = [{ ...source, config: { name: input, batch_shape: shape } }, ...given];
  }
  const calls = new Map<string, LayerCall>();
  let before: string | undefined;
  for (const layer of layers) {
    const key = keyOf(layer.name, 0);
    calls.set(key, { layer, use: 0, inputs: before === undefined ? [] : [before], extra: undefined });
    before = key;
  }
  return { name, layers: given, calls, outputs: [before!] };
}

/** Keys of the tensors in a nest of lists and objects; `rest` is told of everything else but null. */
function tensorsIn(value: unknown, path: string, rest: (other: unknown) => void): readonly string[] {
  if (Array.isArray(value)) {
    const [layer, use, tensor, extra] = value;
    if (typeof layer === "string" && typeof use === "number") {
      if (!Number.isSafeInteger(use) || use < 0 || tensor !== 0)
        broken(path, `the layer ${JSON.stringify(layer)} has no tensor ${shown(use)}, ${shown(tensor)}`);
      if (isObject(extra)) argumentsIn(extra, path, rest).forEach(rest);
      return [keyOf(layer, use)];
    }
    return value.flatMap((item) => tensorsIn(item, path, rest));
  }
  if (isObject(value)) {
    const history = fieldOf(fieldOf(value, "config"), "keras_history");
    if (fieldOf(value, "class_name") === "__keras_tensor__") return tensorsIn(history, path, rest);
    return Object.values(value).flatMap((item) => tensorsIn(item, path, rest));
  }
  if (value !== null && value !== undefined) rest(value);
  return [];
}

function argumentsIn(value: JsonObject, path: string, rest: (other: unknown) => void): readonly string[] {
  const counts = Object.entries(value).filter(([name]) => !IDLE_ARGUMENTS.includes(name));
  return counts.flatMap(([, item]) => tensorsIn(item, path, rest));
}

/** One use: a list of tensors (Keras 2), or an object with args and kwargs (Keras 3). */
function readCall(layer: LayerDescription, use: number, value: unknown, path: string): LayerCall {
  const others: unknown[] = [];
  const rest = (other: unknown): void => {
    others.push(other);
  };
  const { args, kwargs } = isObject(value) ? value : { args: value, kwargs: undefined };
  const inputs = [
    ...tensorsIn(args, path, rest),
    ...(isObject(kwargs) ? argumentsIn(kwargs, path, rest) : []),
  ];
  if (inputs.length > MAX_LAYERS) {
    const what = `inputs of the layer ${JSON.stringify(layer.name)}`;
    fail("import/keras-too-large", { path, what, found: inputs.length, limit: MAX_LAYERS });
  }
  return { layer, use, inputs, extra: others.length > 0 ? shown(others) : undefined };
}

function functional(
  name: string,
  layers: readonly LayerDescription[],
  list: readonly unknown[],
  config: unknown,
  path: string,
): Topology {
  const all = new Map<string, LayerCall>();
  layers.forEach((layer, i) => {
    const uses = fieldOf(list[i], "inbound_nodes");
    if (layer.className === "InputLayer" || !Array.isArray(uses)) {
      all.set(keyOf(layer.name, 0), { layer, use: 0, inputs: [], extra: undefined });
      return;
    }
    if (all.size + uses.length > MAX_LAYERS) {
      const parameters = { path, what: "uses of layers", found: all.size + uses.length, limit: MAX_LAYERS };
      fail("import/keras-too-large", parameters);
    }
    uses.forEach((value, use) => {
      all.set(keyOf(layer.name, use), readCall(layer, use, value, path));
    });
  });
  const ignore = (other: unknown): void => {
    broken(path, `${shown(other)} is no output of a layer`);
  };
  const outputs = tensorsIn(fieldOf(config, "output_layers"), path, ignore);
  if (outputs.length === 0) broken(path, "the model has no outputs");
  // The inputs stand first, in the order of the model's call.
  const inputs = tensorsIn(fieldOf(config, "input_layers"), path, ignore);
  const known = inputs.flatMap((key) => [all.get(key) ?? []].flat().map((call) => [key, call] as const));
  const calls = ordered(new Map([...known, ...all]), outputs, path);
  const idle = inputs.find((key) => !calls.has(key));
  if (idle !== undefined)
    broken(path, `no output depends on the input ${JSON.stringify(idle.slice(idle.indexOf("/") + 1))}`);
  return { name, layers, calls, outputs };
}

/** Calls that the outputs need, inputs first; in the file's order where that is free. */
function ordered(
  all: ReadonlyMap<string, LayerCall>,
  outputs: readonly string[],
  path: string,
): ReadonlyMap<string, LayerCall> {
  const needed = new Set<string>();
  const waiting = [...outputs];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (needed.has(key)) continue;
    needed.add(key);
    const call = all.get(key);
    if (!call)
      return broken(
        path,
        `a layer reads ${JSON.stringify(key.slice(key.indexOf("/") + 1))}, which the model has not`,
      );
    for (const input of call.inputs) waiting.push(input);
  }
  const users = new Map<string, string[]>();
  const missing = new Map<string, number>();
  const ready: string[] = [];
  for (const [key, call] of all) {
    if (!needed.has(key)) continue;
    missing.set(key, call.inputs.length);
    if (call.inputs.length === 0) ready.push(key);
    for (const input of call.inputs) {
      const known = users.get(input);
      if (known) known.push(key);
      else users.set(input, [key]);
    }
  }
  const calls = new Map<string, LayerCall>();
  for (let at = 0; at < ready.length; at++) {
    const key = ready[at]!;
    calls.set(key, all.get(key)!);
    for (const user of users.get(key) ?? []) {
      const left = missing.get(user)! - 1;
      missing.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  const stuck = [...needed].find((key) => !calls.has(key));
  if (stuck !== undefined)
    broken(path, `the layer ${JSON.stringify(all.get(stuck)!.layer.name)} depends on itself`);
  return calls;
}
