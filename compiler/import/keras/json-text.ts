// JSON of a model's description. In: untrusted bytes. Out: a value that is no deeper than the limit, so that walking
// it is safe.
import { findJsonError } from "../../data/json-error.ts";
import { fail } from "../../support/diagnostics.ts";
import { decodeUtf8 } from "../../support/text.ts";
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from "./limits.ts";

/** An object of a JSON text. Read fields with `Object.hasOwn` or `fieldOf`: names are the file's. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object's own field; undefined where there is none, or where `value` is no object. */
export function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A value as a message shows it: short, on one line. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (char === "{" || char === "[") {
      most = Math.max(most, ++depth);
    } else if (char === "}" || char === "]") depth--;
  }
  return most;
}

/** The value of a JSON text. Throws import/keras-json and import/keras-too-large. */
export function parseJsonText(text: string, path: string): unknown {
  if (text.length > MAX_JSON_BYTES)
    fail("import/keras-too-large", {
      path,
      what: "bytes of JSON",
      found: text.length,
      limit: MAX_JSON_BYTES,
    });
  const depth = deepest(text);
  if (depth > MAX_JSON_DEPTH)
    fail("import/keras-too-large", { path, what: "nesting of JSON", found: depth, limit: MAX_JSON_DEPTH });
  // Keras writes non-finite numbers as Python does; where one matters, the layer says that it has no number.
  const plain = (): string => text.replace(/(?<=[:[,]\s{0,8})(?:NaN|-?Infinity)(?=\s{0,8}[,\]}])/g, "null");
  for (const version of [() => text, plain]) {
    try {
      return JSON.parse(version());
    } catch {}
  }
  const at = findJsonError(text);
  const problem = `no valid JSON at character ${at}: ${JSON.stringify(text.slice(at, at + 20))}`;
  return fail("import/keras-json", { path, problem });
}

/** The value of a JSON text in UTF-8. Throws as parseJsonText. */
export function parseJsonBytes(bytes: Uint8Array, path: string): unknown {
  if (bytes.length > MAX_JSON_BYTES)
    fail("import/keras-too-large", {
      path,
      what: "bytes of JSON",
      found: bytes.length,
      limit: MAX_JSON_BYTES,
    });
  const text = decodeUtf8(bytes);
  if (text === undefined) fail("import/keras-json", { path, problem: "it is no UTF-8 text" });
  return parseJsonText(text, path);
}
