import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeJson } from "../../../data/json.ts";
import { findJsonError } from "../../../data/json-error.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, messagesOf } from "./diagnostics-of.ts";

const source = { path: "t.json" };
const fields = { inputs: "inputs", labels: "labels" };
const read = (text: string) => decodeJson(encodeUtf8(text), fields, source);

describe("findJsonError", () => {
  it("finds the first character that no JSON text has there", () => {
    const cases: readonly (readonly [string, number])[] = [
      ["", 0],
      ["[1, 2", 5],
      ["[1, 2,]", 6],
      ["[1 2]", 3],
      ["[01]", 1],
      ["[.5]", 1],
      ["[1.]", 1],
      ["{'a': 1}", 1],
      ['{"a" 1}', 5],
      ['{"a": 1,}', 8],
      ['{"a": [1}]', 8],
      ['{"a": Infinity}', 6],
      ["[1] // one", 4],
      ['["a\nb"]', 1],
      ['["\\x"]', 1],
    ];
    for (const [text, at] of cases) {
      expect(() => JSON.parse(text)).toThrow();
      expect(findJsonError(text), text).toBe(at);
    }
  });

  it("finds none in any JSON text", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(findJsonError(text)).toBe(text.length);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});

describe("decodeJson", () => {
  it("reads nested inputs and labels", () => {
    const { inputs, labels } = read('{"inputs": [[[1], [2.5]], [[-3], [4]]], "labels": [1, 0]}');
    expect(inputs.array.shape).toEqual([2, 2, 1]);
    expect([...inputs.array.data]).toEqual([1, 2.5, -3, 4]);
    expect(inputs.numbers).toBe("values");
    expect(labels).toMatchObject({ kind: "indices", values: [1, 0] });
  });

  it("reads other field names, class names, and files without labels", () => {
    const text = encodeUtf8('{"x": [[1]], "kind": ["a"]}');
    expect(decodeJson(text, { inputs: "x", labels: "kind" }, source).labels).toMatchObject({ kind: "names" });
    expect(decodeJson(text, { inputs: "x" }, source).labels).toBeUndefined();
  });

  it("takes whole numbers for stored integers unless the file says otherwise", () => {
    expect(read('{"inputs": [[1, 0]], "labels": [0]}').inputs.numbers).toBe("stored");
    expect(read('{"inputs": [[1, 0]], "labels": [0], "numbers": "values"}').inputs.numbers).toBe("values");
    expect(codesOf(() => read('{"inputs": [[1]], "labels": [0], "numbers": 1}'))).toEqual([
      "data/json-value",
    ]);
  });

  it("names the place of a ragged array and of what is no number", () => {
    expect(messagesOf(() => read('{"inputs": [[1, 2], [3]], "labels": [0, 1]}'))).toBe(
      "t.json, inputs[1]: an array of 2 is expected as in other samples, not an array of 1",
    );
    expect(messagesOf(() => read('{"inputs": [[1, 2], [3, [4]]], "labels": [0, 1]}'))).toContain(
      "inputs[1][1]",
    );
    for (const bad of ["null", '"1"', "true", "{}", "1e999"])
      expect(codesOf(() => read(`{"inputs": [[1, ${bad}]], "labels": [0]}`))).toEqual(["data/json-value"]);
  });

  it("refuses labels that are neither all numbers nor all names", () => {
    expect(messagesOf(() => read('{"inputs": [[1], [2]], "labels": [0, "a"]}'))).toContain("labels[1]");
    expect(codesOf(() => read('{"inputs": [[1]], "labels": 3}'))).toEqual(["data/json-value"]);
    expect(codesOf(() => read('{"inputs": [[1]], "labels": [null]}'))).toEqual(["data/json-value"]);
  });

  it("refuses missing fields, other roots, broken syntax with its place, and deep nesting", () => {
    expect(messagesOf(() => read('{"input": []}'))).toContain('it has "input"');
    expect(codesOf(() => read('{"labels": []}'))).toEqual(["data/json-field"]);
    expect(codesOf(() => decodeJson(encodeUtf8("{}"), { inputs: "__proto__" }, source))).toEqual([
      "data/json-field",
    ]);
    for (const text of ["[]", "null", "3"]) expect(codesOf(() => read(text))).toEqual(["data/json-value"]);
    expect(codesOf(() => read('{"inputs": 3, "labels": []}'))).toEqual(["data/json-value"]);
    expect(messagesOf(() => read('{"inputs": [1,\n NaN]}'))).toContain("t.json:2:2: not valid JSON");
    expect(messagesOf(() => read(""))).toContain("ends too early");
    const deep = `{"inputs": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(codesOf(() => read(deep))).toEqual(["data/json-value"]);
    expect(codesOf(() => decodeJson(Uint8Array.of(0x22, 0xff), fields, source))).toEqual(["data/utf8"]);
  });
});
