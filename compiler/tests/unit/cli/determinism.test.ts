// The same bytes in another place: a build, what verify, synth and export leave, and the report, in two folders by two users whose
// surroundings have nothing in common. timing.json alone is outside of the promise.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasTool } from "../../tools-present.ts";
import { createTestFolder, makeTinyProject, script, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
beforeAll(() => {
  folder = createTestFolder("determinism");
});
afterAll(() => folder.remove());

const isUnix = process.platform !== "win32";

interface Place {
  readonly path: string;
  readonly umask: string;
  /** How the model and the directory are called from there. */
  readonly isAbsolute: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs a command there; the environment has its names in their order. */
function runThere({ path, umask, environment }: Place, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(
    "/bin/sh",
    ["-c", `umask ${umask}; exec "$@"`, "sh", process.execPath, script, ...words],
    { cwd: path, env: environment, encoding: "utf8" },
  );
  expect(status, `${words.join(" ")}: ${stderr}`).toBe(0);
}

function bytesUnder(path: string): ReadonlyMap<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const named = files.map((entry): [string, string] => {
    const file = join(entry.parentPath, entry.name);
    return [relative(path, file).split(sep).join("/"), readFileSync(file, "latin1")];
  });
  return new Map(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe.skipIf(!isUnix || !hasTool("verilator") || !hasTool("cc"))("the same project in two places", () => {
  it("gives the same bytes", async () => {
    const here = folder.inside("here");
    const there = folder.inside("an other place", "of somebody é");
    await makeTinyProject(here, { epochs: 1 });
    mkdirSync(there, { recursive: true });
    cpSync(here, there, { recursive: true });
    const isSynthesising = hasTool("yosys");
    const shared = {
      PATH: process.env.PATH ?? "",
      // What is compiled once need not be compiled again: the verdicts are those of a run all the same.
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? folder.inside("cache"),
      YOSYS: "yosys",
    };
    const places: readonly Place[] = [
      {
        path: here,
        umask: "022",
        isAbsolute: false,
        environment: { ...shared, HOME: here, LANG: "C", TZ: "UTC", NO_COLOR: "1" },
      },
      {
        path: there,
        umask: "077",
        isAbsolute: true,
        environment: {
          TZ: "Pacific/Auckland",
          LC_ALL: "tr_TR.UTF-8",
          LANG: "de_DE.UTF-8",
          COLUMNS: "40",
          FORCE_COLOR: "1",
          USER: "somebody",
          TMPDIR: folder.inside("an other place"),
          ...Object.fromEntries(Object.entries(shared).reverse()),
          HOME: there,
        },
      },
    ];
    for (const place of places) {
      const called = (name: string): string => (place.isAbsolute ? join(place.path, name) : name);
      runThere(place, "build", called("condition.floor"), "-o", called("b"), "--rtl-vectors", "30");
      if (isSynthesising) runThere(place, "synth", called("b"), "--target", "cyclone5");
      runThere(place, "export", called("b"));
      runThere(
        place,
        "simulate",
        called("b"),
        "--input",
        called("b/design/vectors/inputs.npy"),
        "--output",
        called("y.npy"),
      );
    }
    const [first, second] = places.map(({ path }) => bytesUnder(path));
    expect([...second!.keys()]).toEqual([...first!.keys()]);
    const compared = [...first!.keys()].filter((name) => name !== "b/timing.json");
    for (const part of [
      "train/",
      "design/",
      "verify/",
      "export/",
      "report.json",
      ...(isSynthesising ? ["flow/"] : []),
    ])
      expect(
        compared.some((name) => name.startsWith(`b/${part}`)),
        part,
      ).toBe(true);
    expect(compared.filter((name) => first!.get(name) !== second!.get(name))).toEqual([]);
    // Neither the places nor the day, which the two runs share.
    const today = new Date().toISOString().slice(0, 10);
    for (const [name, content] of second!) {
      expect(content.includes("noisefloor-determinism-"), `${name} has a path`).toBe(false);
      expect(content.includes(today), `${name} has a date`).toBe(false);
    }
  });
});
