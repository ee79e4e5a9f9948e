// Suggestions for mistyped words.
import { expect, test } from "vitest";
import { nearestWord } from "../../../dsl/spelling.ts";

const KNOWN = ["dense", "flatten", "relu", "argmax"];

test.each([
  ["dens", "dense"],
  ["Dense", "dense"],
  ["dnese", "dense"],
  ["flaten", "flatten"],
  ["relo", "relu"],
  ["argmaxx", "argmax"],
  ["conv2d", undefined],
  ["", undefined],
  ["x", undefined],
  ["a".repeat(1000), undefined],
])("%s -> %s", (typed, meant) => expect(nearestWord(typed, KNOWN)).toBe(meant));

test("the nearest of several wins, the first of equals", () => {
  expect(nearestWord("label", ["labels", "label2", "libel"])).toBe("labels");
  expect(nearestWord("labels", ["label", "labels"])).toBe("labels");
});
