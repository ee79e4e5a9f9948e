import { gzipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { type CsvColumns, decodeCsv } from "../../../data/csv.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, diagnosticsOf, messagesOf } from "./diagnostics-of.ts";

const source = { path: "t.csv" };
const read = (text: string, columns: CsvColumns = { label: "class" }) =>
  decodeCsv(encodeUtf8(text), columns, source);

describe("decodeCsv", () => {
  it("reads features in the file's order and labels as indices", () => {
    const { inputs, labels, featureNames } = read("a,class,b\n0.5,1,-2\n.25,0,1e-2\n");
    expect(featureNames).toEqual(["a", "b"]);
    expect(inputs.array.shape).toEqual([2, 2]);
    expect([...inputs.array.data]).toEqual([0.5, -2, 0.25, 0.01]);
    expect(inputs.numbers).toBe("values");
    expect(labels).toMatchObject({ kind: "indices", values: [1, 0] });
  });

  it("reads class names, chosen columns in the order asked for, and no labels at all", () => {
    const { inputs, labels } = read("a,b,c,class\n1,2,3,yes\n4,5,6,no\n", {
      label: "class",
      features: ["c", "a"],
    });
    expect([...inputs.array.data]).toEqual([3, 1, 6, 4]);
    expect(labels).toMatchObject({ kind: "names", values: ["yes", "no"] });
    expect(read("a\n1\n", {}).labels).toBeUndefined();
  });

  it("takes whole numbers for stored integers, and one decimal point for values", () => {
    expect(read("a,class\n1,0\n255,1\n").inputs.numbers).toBe("stored");
    expect(read("a,class\n1,0\n255.0,1\n").inputs.numbers).toBe("values");
  });

  it("reads quotes, a byte order mark, blanks, blank lines, any line end and gzip", () => {
    const text = '\ufeff"a, b" , class\r\n\r\n "1" ,"x ""y"", z"\n2,é\r\n\n';
    for (const bytes of [encodeUtf8(text), gzipSync(encodeUtf8(text))]) {
      const quoted = () => decodeCsv(bytes, { label: "class" }, source);
      expect(codesOf(quoted)).toEqual(["data/csv-syntax"]);
    }
    const fine = encodeUtf8('\ufeff"a, b", class\r\n\r\n"1","x ""y"", z"\n 2 ,é\r\n\n3,"two\nlines"');
    for (const bytes of [fine, gzipSync(fine)]) {
      const { inputs, labels, featureNames } = decodeCsv(bytes, { label: "class" }, source);
      expect(featureNames).toEqual(["a, b"]);
      expect([...inputs.array.data]).toEqual([1, 2, 3]);
      expect(labels).toMatchObject({ values: ['x "y", z', "é", "two\nlines"] });
    }
  });

  it("names row and column of every bad cell, all in one run", () => {
    const text = "a,b,class\n1,,0\nNaN,2,1\n1,-Infinity,1\n1,1e999,0\n1;2,3,0\n\n1,0x10,1\n2,3,\n";
    const found = diagnosticsOf(() => read(text));
    expect(found.map((d) => d.message)).toEqual([
      't.csv, row 2, column "b": the cell is empty',
      't.csv, row 3, column "a": the number is not finite: "NaN"',
      't.csv, row 4, column "b": the number is not finite: "-Infinity"',
      't.csv, row 5, column "b": the number is too large to be held: "1e999"',
      't.csv, row 6, column "a": this is no number: "1;2"',
      't.csv, row 8, column "b": this is no number: "0x10"',
      't.csv, row 9, column "class": the label is empty',
    ]);
    expect(new Set(found.map((d) => d.code))).toEqual(new Set(["data/csv-cell"]));
  });

  it("stops after some errors", () => {
    const text = `a,class\n${"x,0\n".repeat(1000)}`;
    expect(diagnosticsOf(() => read(text))).toHaveLength(8);
  });

  it("explains a decimal comma", () => {
    expect(messagesOf(() => read('a,class\n"0,5",1\n'))).toContain("decimal comma");
  });

  it("refuses ragged rows with their number", () => {
    const run = () => read("a,b,class\n1,2,0\n1,2\n1,2,0,4\n");
    expect(codesOf(run)).toEqual(["data/csv-ragged", "data/csv-ragged"]);
    expect(messagesOf(run)).toContain("row 3: 2 cells, but the header has 3");
    expect(messagesOf(run)).toContain("row 4: 4 cells");
  });

  it("refuses headers that are none", () => {
    expect(codesOf(() => read(""))).toEqual(["data/csv-header"]);
    expect(codesOf(() => read("a,,class\n1,2,0\n"))).toEqual(["data/csv-header"]);
    expect(codesOf(() => read("a,a,class\n1,2,0\n"))).toEqual(["data/csv-header"]);
    expect(messagesOf(() => read("0.1,0.2,1\n0.3,0.4,0\n"))).toContain("numbers instead of names");
    expect(codesOf(() => read("class\n1\n"))).toEqual(["data/csv-header"]);
  });

  it("names the columns there are when one is missing", () => {
    const run = () => read("a,b,klass\n1,2,0\n", { label: "class", features: ["a", "B"] });
    expect(codesOf(run)).toEqual(["data/unknown-column", "data/unknown-column"]);
    expect(messagesOf(run)).toContain('it has "a", "b", "klass"');
    expect(codesOf(() => read("a,class\n1,0\n", { label: "class", features: ["a", "class"] }))).toEqual([
      "data/csv-header",
    ]);
    expect(codesOf(() => read("a,class\n1,0\n", { label: "class", features: ["a", "a"] }))).toEqual([
      "data/csv-header",
    ]);
  });

  it("refuses broken quotes, other encodings and texts above the limit", () => {
    expect(codesOf(() => read('a,class\n1,"x\n2,y\n'))).toEqual(["data/csv-syntax"]);
    expect(codesOf(() => read('a,class\n1,"x"y\n'))).toEqual(["data/csv-syntax"]);
    const latin1 = Uint8Array.of(...encodeUtf8("a,class\n1,"), 0xe9, 0x0a);
    expect(codesOf(() => decodeCsv(latin1, {}, source))).toEqual(["data/utf8"]);
    const limits = { bytes: 100, textBytes: 8 };
    expect(codesOf(() => decodeCsv(encodeUtf8("a,class\n1,2\n"), {}, { ...source, limits }))).toEqual([
      "data/too-large",
    ]);
  });
});
