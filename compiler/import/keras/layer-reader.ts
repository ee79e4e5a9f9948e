// The settings and weights of one layer, checked as they are read. In: a layer's description, untrusted. Out: values
// of the right kind; what is wrong is collected, and a harmless value stands in, so that a layer tells everything.
import type { DiagnosticCollector } from "../../support/diagnostics.ts";
import { isObject, shown } from "./json-text.ts";
import type { StoredTensor, StoredWeights } from "./tensors.ts";
import type { LayerDescription } from "./topology.ts";

/** What a whole file says, for its layers. */
export interface ModelSettings {
  readonly path: string;
  /** 2 or 3: they differ in hard_sigmoid. */
  readonly kerasVersion: number;
  readonly weights: StoredWeights;
  readonly problems: DiagnosticCollector;
  /** Counts weights that are about to be read; throws import/keras-too-large. */
  spend(count: number): void;
}

export interface Limits {
  readonly least: number;
  readonly most?: number;
}

export interface LayerReader {
  readonly name: string;
  readonly type: string;
  readonly settings: ModelSettings;
  /** What the layer computes is an output of the model, and nothing else reads it. */
  readonly isFinal: boolean;
  /** An option as it is in the file; undefined where it is missing or null. */
  option(key: string): unknown;
  /** Says that an option is not as it has to be. */
  refuse(option: string, wanted: string): void;
  /** Says what is wrong with the weights. */
  refuseWeights(problem: string): void;
  integer(key: string, limits: Limits, fallback?: number): number;
  number(key: string, limits: Limits, fallback?: number): number;
  boolean(key: string, fallback: boolean): boolean;
  /** One of the words; the first where the option is missing. */
  word(key: string, words: readonly string[]): string;
  /** A size for each of `axes` axes; one number stands for all. */
  sizes(key: string, axes: number, fallback: readonly number[] | null, least?: number): readonly number[];
  /** Refuses channels_first. */
  checkDataFormat(): void;
  /** The layer's tensors, in this order in the file; a name may have others after "|". Undefined when refused. */
  tensors(names: readonly string[], ignored?: readonly string[]): readonly StoredTensor[] | undefined;
}

const MOST = 2 ** 24;

export function createLayerReader(
  layer: LayerDescription,
  settings: ModelSettings,
  isFinal: boolean,
): LayerReader {
  const { name, className: type, config } = layer;
  const { problems, weights } = settings;
  const place = { file: settings.path };

  const option = (key: string): unknown =>
    Object.hasOwn(config, key) && config[key] !== null ? config[key] : undefined;
  const refuse = (key: string, wanted: string): void => {
    const parameters = { layer: name, type, option: key, found: shown(option(key)), wanted };
    problems.add("import/keras-option", parameters, place);
  };
  const refuseWeights = (problem: string): void => {
    problems.add("import/keras-weights", { layer: name, type, problem }, place);
  };
  const within = (value: unknown, { least, most = MOST }: Limits, whole: boolean): value is number =>
    typeof value === "number" &&
    (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    value >= least &&
    value <= most;
  const numeric = (key: string, limits: Limits, whole: boolean, fallback?: number): number => {
    const value = option(key) ?? fallback;
    if (within(value, limits, whole)) return value;
    const { least, most = MOST } = limits;
    refuse(key, `a ${whole ? "whole " : ""}number from ${least} to ${most}`);
    return fallback ?? Math.max(least, 1);
  };

  return {
    name,
    type,
    settings,
    isFinal,
    option,
    refuse,
    refuseWeights,
    integer: (key, limits, fallback) => numeric(key, limits, true, fallback),
    number: (key, limits, fallback) => numeric(key, limits, false, fallback),
    boolean: (key, fallback) => {
      const value = option(key) ?? fallback;
      if (typeof value === "boolean") return value;
      refuse(key, "true or false");
      return fallback;
    },
    word: (key, words) => {
      const value = option(key) ?? words[0];
      const found = words.find((word) => word === value);
      if (found === undefined) refuse(key, words.join(" or "));
      return found ?? words[0]!;
    },
    sizes: (key, axes, fallback, least = 1) => {
      const value = option(key) ?? fallback;
      const list = Array.isArray(value) ? value : Array.from({ length: axes }, () => value);
      if (list.length === axes && list.every((size) => within(size, { least }, true))) return list;
      refuse(key, axes === 1 ? `a whole number from ${least} on` : `${axes} whole numbers from ${least} on`);
      return Array.from({ length: axes }, () => Math.max(least, 1));
    },
    checkDataFormat: () => {
      const value = option("data_format") ?? "channels_last";
      if (value !== "channels_last") refuse("data_format", "channels_last");
    },
    tensors: (names, ignored = []) => {
      const stored = weights.of(name);
      if (stored === undefined) {
        if (names.length > 0) refuseWeights("the file holds no weights of it");
        return names.length > 0 ? undefined : [];
      }
      if (weights.byPosition) {
        if (stored.length === names.length || stored.length === names.length + ignored.length)
          return stored.slice(0, names.length);
        refuseWeights(
          `it has ${names.length} tensors (${names.map(firstName).join(", ")}), but the file holds ${stored.length}`,
        );
        return undefined;
      }
      const found = names.map((wanted) => stored.find((tensor) => wanted.split("|").includes(tensor.name)));
      const absent = names.filter((_, i) => found[i] === undefined);
      if (absent.length > 0)
        refuseWeights(
          `the file has no ${absent.map(firstName).join(" and no ")} of it, but ${stored.map((t) => t.name).join(", ") || "nothing"}`,
        );
      const known = new Set([...names, ...ignored].flatMap((wanted) => wanted.split("|")));
      const strange = stored.filter((tensor) => !known.has(tensor.name)).map((tensor) => tensor.name);
      if (strange.length > 0) refuseWeights(`the file also holds ${strange.join(", ")} of it`);
      return absent.length > 0 ? undefined : (found as StoredTensor[]);
    },
  };
}

const firstName = (names: string): string => names.split("|")[0]!;

/** A class name and its settings, as Keras writes objects; a bare name has none. */
export interface ConfiguredObject {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Reads "relu", {"class_name": "ReLU", "config": {...}} and {"class_name": "function", "config": "relu"}. */
export function readObject(value: unknown): ConfiguredObject | undefined {
  if (typeof value === "string") return { name: value, config: {} };
  if (!isObject(value)) return undefined;
  const { class_name: className, config } = value;
  if (typeof className !== "string") return undefined;
  if (className === "function" && typeof config === "string") return { name: config, config: {} };
  const name = className.slice(className.lastIndexOf(">") + 1);
  return { name, config: isObject(config) ? config : {} };
}
