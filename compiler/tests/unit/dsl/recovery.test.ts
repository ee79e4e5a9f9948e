// A file with many mistakes: all of them in one run, and no text, however broken, that is not answered.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileText, diagnose, fileWith, modelWith, SECTIONS } from "./model-text.ts";

describe("several mistakes", () => {
  test("mistakes of every kind are reported in one run, in the order of the text", () => {
    const text = `floor 1
data {
  train: cvs("a.csv", label: "kind")
  test: csv("missing-b.csv", label: "kind")
  validation 5000 samples
}
model digits {
  input image: 28x28x1 as u9000
  hidden = image -> flatten -> fc1 dense(64) -> relu
  first = image -> fc2: dens(64) -> relu
  second = frist -> fc2: dense(0)
  ;
  output digit = second -> conv2d(3, 3x3) -> argmax
}
trian { seed: 3 }
hardware { clock: 100 cycles, clock: 3 MHz, interval: 784 outputs: clas }
`;
    expect(diagnose(text)).toEqual([
      "3:10 language/unknown-word",
      "4:13 data/missing-file",
      "5:14 language/syntax",
      "8:27 language/bad-type",
      "9:32 language/unknown-stage",
      "9:36 language/syntax",
      "10:25 language/unknown-stage",
      "11:12 language/unknown-name",
      "11:21 language/duplicate-name",
      "11:32 language/out-of-range",
      "12:3 language/unexpected-character",
      "13:28 language/unknown-stage",
      "15:1 language/unknown-section",
      "16:19 language/wrong-unit",
      "16:31 language/duplicate-key",
      "16:55 language/missing-unit",
      "16:68 language/unknown-word",
    ]);
  });

  test("a mistake in each line of a model gives one report for each line", () => {
    const text = modelWith(`input x 6 as u8
a = x => dense(3)
b = a -> dense(3
c = -> dense(3)
d b -> relu
e = d ->
f = e -> dense 3
output = f -> dense(2)`);
    const lines = diagnose(text).map((d) => Number(d.split(":")[0]));
    expect(lines).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("a missing value does not swallow what follows it", () => {
    const train = "train { target:\n}\ndata { train: 3 }";
    const text = `floor 1\n${SECTIONS.model}\n${train}`;
    expect(diagnose(text)).toEqual(["6:16 language/syntax", "8:15 language/wrong-kind"]);
    const model = "model m {\ninput x: 6 as u8\noutput y = x -> dense(2) { pe:\ninput z: 3 as u8\n}";
    expect(diagnose(fileWith({ model }))[0]).toBe("4:31 language/syntax");
  });

  test("what is left of a broken value is no unknown key", () => {
    expect(diagnose(fileWith({ train: "train { target: output }" }))).toEqual(["2:17 language/syntax"]);
    const list = "train { augment: [noise(1) flip(horizontal)] }";
    expect(diagnose(fileWith({ train: list }))).toEqual(["2:28 language/syntax"]);
  });

  test("a damaged file is not asked for what its loss needs", () => {
    const text = fileWith({
      train: "train { loss mse\n}",
      data: SECTIONS.data.replaceAll(', label: "kind"', ""),
    });
    expect(diagnose(text)).toEqual(["2:14 language/syntax"]);
  });

  test("a mistake in the loss hides what the data and the outputs should be", () => {
    const model = "model m { input x: 6 as u8 output y = x -> dense(1) }";
    const data =
      'data { train: csv("a.csv", targets: ["p"]), test: csv("b.csv", targets: ["p"]), validation: 3 }';
    expect(diagnose(fileWith({ train: "train { loss: msee }", model, data }))).toEqual([
      "2:15 language/unknown-word",
    ]);
    expect(diagnose(fileWith({ train: "train { los: mse }", model, data }))).toEqual([
      "2:9 language/unknown-key",
    ]);
  });

  test("what a damaged line may define is not reported as unknown", () => {
    const text = modelWith("input x: 6 as u8\nhidden = x -> -> dense(3)\noutput y = hidden -> dense(2)");
    expect(diagnose(text)).toEqual(["4:15 language/syntax"]);
  });

  test("unreadable sections are not reported as missing", () => {
    expect(diagnose("floor 1\ntrain objective: budget(1 bitops)")).toEqual(["2:7 language/syntax"]);
  });

  test("the report ends at a hundred", () => {
    const text = modelWith(Array.from({ length: 300 }, (_, i) => `v${i} = w${i} -> dense(3)`).join("\n"));
    const { diagnostics } = compileText(text);
    expect(diagnostics).toHaveLength(101);
    expect(diagnostics.at(-1)?.code).toBe("language/too-many-errors");
  });

  test("many warnings hide no error, and are no error", () => {
    const unused = Array.from({ length: 150 }, (_, i) => `v${i} = x -> dense(3)`).join("\n");
    const good = compileText(modelWith(`input x: 6 as u8\n${unused}\noutput y = x -> dense(2)`));
    expect(good.project).toBeDefined();
    expect(good.diagnostics).toHaveLength(101);
    const text = modelWith(`input x: 6 as u8\n${unused}\noutput y = x -> dense(0)`);
    expect(diagnose(text)).toEqual(["154:23 language/out-of-range", "language/too-many-errors"]);
  });

  test("a mistake in every line of a long file is answered", () => {
    for (const line of ["a = b ->", "input x", "-> dense", "v = w -> dense(", "x ;", "train {", "} )"]) {
      const { diagnostics, project } = compileText(`floor 1\nmodel m {\n${`${line}\n`.repeat(4000)}`);
      expect(project).toBeUndefined();
      expect(diagnostics.length).toBeGreaterThan(0);
      expect(diagnostics.length).toBeLessThanOrEqual(101);
    }
  }, 60_000);

  test("long chains and many names are checked in reasonable time", () => {
    const chain = modelWith(`input x: 6 as u8\noutput y = x ${"-> dense(2) ".repeat(9000)}`);
    expect(compileText(chain).project?.graph.nodes).toHaveLength(9001);
  });
});

describe("any text", () => {
  const exampleOf = (name: string) =>
    readFileSync(new URL(`../../../../examples/${name}.floor`, import.meta.url), "utf8");
  const example = exampleOf("mnist/mnist");
  /** What must hold of every answer. */
  const answered = (text: string): void => {
    const { project, diagnostics } = compileText(text);
    expect(project === undefined).toBe(diagnostics.some((d) => d.severity === "error"));
    for (const { span, hint } of diagnostics) {
      expect(hint).toBeTruthy();
      if (!span) continue;
      expect(Number.isInteger(span.start) && Number.isInteger(span.end)).toBe(true);
      expect(span.start).toBeGreaterThanOrEqual(0);
      expect(span.start).toBeLessThanOrEqual(span.end);
      expect(span.end).toBeLessThanOrEqual(span.file.text.length);
    }
  };
  const options = { seed: 20, numRuns: 150 };

  test("random characters", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), answered), options);
  });

  test("random words of the language", () => {
    const word = fc.constantFrom(
      ...'floor 1 model data train hardware input output as -> : , = ( ) { } [ ] 28x28x1 6 u8 s4 "a" "" \'b\' dense relu'.split(
        " ",
      ),
      ..."batchnorm sign gradient: normal weight_bits: 2..4 9..1 bits target: input data loss: mse targets: objective:".split(
        " ",
      ),
      ..."flatten argmax csv budget shift seed clock 100 MHz 3% 1.5 -2 1e999 x y z # // => ; \n \r\n \\ @ \ufeff".split(
        " ",
      ),
    );
    const text = fc.array(word, { maxLength: 120 }).map((words) => words.join(" "));
    fc.assert(fc.property(text, answered), options);
    fc.assert(
      fc.property(text, (body) => answered(modelWith(body))),
      options,
    );
  });

  test.each(["mnist/mnist", "mnist/binary", "regression/regression", "autoencoder/autoencoder"])(
    "the example %s with a piece cut out, doubled, or replaced",
    (name) => {
      const example = exampleOf(name);
      const at = fc.nat(example.length);
      const damage = fc.tuple(
        at,
        at,
        fc.constantFrom("", "{", "}", "(", '"', "->", "\n", "0", "=", "x ", "..", "input", "\u0001"),
      );
      fc.assert(
        fc.property(damage, fc.boolean(), ([a, b, put], twice) => {
          const [from, to] = a < b ? [a, b] : [b, a];
          answered(example.slice(0, from) + put + example.slice(twice ? from : to));
          answered(example.slice(0, to) + put + example.slice(from));
        }),
        options,
      );
    },
  );

  test("every prefix of the example is an error, or the whole", () => {
    const whole = example.trimEnd().length;
    for (let end = 0; end < whole; end += 7) {
      const { project } = compileText(example.slice(0, end));
      // Cut inside the last section but one, or in its defaults, a prefix may be a file of its own.
      if (project) expect(example.slice(end)).toMatch(/^(?:\s*hardware|\s*$)/);
    }
  });

  test("nesting of any depth", () => {
    for (const open of ["(", "[", "{", "f(", "a: [", "x: f(", "{ k: ["]) {
      answered(fileWith({ train: `train { objective: ${open.repeat(20_000)}` }));
      answered(open.repeat(30_000));
    }
  });

  test("one enormous word, number, text or shape", () => {
    for (const text of [
      "a".repeat(120_000),
      "9".repeat(120_000),
      `"${"\\".repeat(120_000)}`,
      "1x".repeat(60_000),
      "-".repeat(120_000),
    ]) {
      answered(text);
      answered(modelWith(`input x: ${text} as u8`));
    }
  });
});
