// Diagnostics of the language (lexer, parser, checker).
import { entry } from "./define.ts";

/** A name as it stands in a message: plain where it reads as a word, quoted elsewhere, cut when long. */
const shown = (name: string): string => {
  const short = [...name].length > 40 ? `${[...name].slice(0, 40).join("")}...` : name;
  return /^[\p{L}\p{N}_.%-]+$/u.test(short) ? short : JSON.stringify(short);
};
const MAX_LISTED = 30;
const listed = (names: readonly string[]): string =>
  names.slice(0, MAX_LISTED).map(shown).join(", ") +
  (names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : "");
const shapeText = (shape: readonly number[]): string => shape.join("x");

export interface Unknown {
  readonly known: readonly string[];
  readonly nearest: string | undefined;
}
const orElse = ({ known, nearest }: Unknown, what: string): string => {
  const all = known.length === 0 ? `there are no ${what} here; leave it out` : `${what}: ${listed(known)}`;
  return nearest === undefined ? all : `did you mean ${shown(nearest)}? ${all}`;
};

export const languageMessages = {
  // sorted by code
  "language/absent-axis": entry<{ axis: string; shape: readonly number[]; known: readonly string[] }>({
    message: ({ axis, shape }) => `a value of shape ${shapeText(shape)} has no axis ${axis}`,
    hint: ({ known }) => `its axes are ${listed(known)}`,
  }),
  "language/after-argmax": entry<{ operation: string }>({
    message: ({ operation }) => `${operation} after argmax: a class index is a result, not a tensor`,
    hint: () => "make argmax the last stage of the output",
  }),
  "language/argmax-of-values": entry<{ loss: string }>({
    message: ({ loss }) => `loss: ${loss} compares real values, but the model ends in argmax`,
    hint: () => "leave argmax out, or write loss: cross_entropy for a classifier",
  }),
  "language/augmented-float": entry<{ change: string }>({
    message: ({ change }) =>
      `${change} changes inputs, but the float network's outputs are those of the samples as they are`,
    hint: () => "leave it out, or name data with labels or targets",
  }),
  "language/bad-escape": entry<{ written: string }>({
    message: ({ written }) => `${written} is no escape`,
    hint: () =>
      'in a text write \\\\ for a backslash; the escapes are \\" \\\\ \\n \\r \\t and \\u with 4 digits',
  }),
  "language/bad-formula": entry<{ problem: string }>({
    message: ({ problem }) => `the formula ${problem}`,
    hint: () => 'a formula has x, numbers, + - * / ^, parentheses and functions: curve("x * sigmoid(x)")',
  }),
  "language/bad-input-range": entry<{ signed: boolean }>({
    message: ({ signed }) =>
      `range is the least and the greatest value of the input${signed ? "" : ", from 0 on for unsigned integers"}`,
    hint: ({ signed }) => `write for example range: ${signed ? "[-1, 1]" : "[0, 255]"}`,
  }),
  "language/bad-size": entry<{ shape: string }>({
    message: ({ shape }) => `the shape ${shape} has a size that is not a whole number from 1 on`,
    hint: () => "write the sizes with the channels last: 28x28x1, or 16 for a flat input",
  }),
  "language/bad-type": entry<{ type: string }>({
    message: ({ type }) => `${shown(type)} is no stored type`,
    hint: () =>
      "write u and 1 to 16 bits for unsigned integers (u8), s and 2 to 16 bits for signed ones (s12)",
  }),
  "language/batchnorm-without-activation": entry<{ word: string }>({
    message: ({ word }) => `${word} directly after a batchnorm: an activation takes it into its thresholds`,
    hint: ({ word }) =>
      `write an activation behind it: ${word === "dense" ? "fc1: dense(64)" : "c1: conv(16, kernel: 3x3)"} -> batchnorm -> relu; or leave it out`,
  }),
  "language/bipolar-operand": entry<{ what: string }>({
    message: ({ what }) => `${what} cannot take the result of a sign, whose bits stand for -1 and 1`,
    hint: () => "put a step (0 and 1) or another activation in place of the sign",
  }),
  "language/class-without-argmax": entry<{ outputs: string }>({
    message: ({ outputs }) => `outputs: ${outputs} needs the class, but the model does not end in argmax`,
    hint: () => "end the output with -> argmax, or ask for outputs: logits",
  }),
  "language/conflicting-keys": entry<{ subject: string; key: string; other: string }>({
    message: ({ subject, key, other }) => `${subject} takes ${other} or ${key}, not both`,
    hint: () => "keep one of the two",
  }),
  "language/duplicate-key": entry<{ subject: string; key: string }>({
    message: ({ subject, key }) => `${shown(key)} is given twice in ${subject}`,
    hint: () => "keep one of the two",
  }),
  "language/duplicate-name": entry<{ name: string }>({
    message: ({ name }) => `the name ${shown(name)} is taken`,
    hint: () => "give each input, value, stage and output of a model a name of its own",
  }),
  "language/duplicate-section": entry<{ section: string }>({
    message: ({ section }) => `a second ${section} section`,
    hint: ({ section }) => `write one ${section} section; a file describes one model`,
  }),
  "language/empty-file": entry({
    message: () => "the file is empty",
    hint: () =>
      "start with floor 1, then write model NAME { }, data { } and train { }; noisefloor init makes an example",
  }),
  "language/empty-name": entry({
    message: () => "a name cannot be empty",
    hint: () => "write at least one character between the quotes",
  }),
  "language/empty-text": entry<{ subject: string; example: string }>({
    message: ({ subject }) => `${subject} is empty`,
    hint: ({ example }) => `write for example ${example}`,
  }),
  "language/empty-range": entry<{ subject: string; low: number; high: number }>({
    message: ({ low, high }) => `the range ${low}..${high} holds nothing`,
    hint: ({ subject, low, high }) => `write ${subject}: ${high}..${low}`,
  }),
  "language/file-too-large": entry<{ length: number; limit: number }>({
    message: ({ length, limit }) => `the file has ${length} characters; a model text has at most ${limit}`,
    hint: () => "is this the model file? data belongs in files of its own, named in the data section",
  }),
  "language/float-without-classes": entry({
    message: () =>
      "loss: cross_entropy compares classes, but without labels the outputs are compared with values",
    hint: () => "leave the loss out, or name data with labels",
  }),
  "language/folding-too-wide": entry<{ key: string; wished: number; limit: number }>({
    message: ({ key, wished, limit }) =>
      `${key}: ${wished} is more than the layer has ${key === "pe" ? "units" : "inputs"} (${limit})`,
    hint: ({ key, limit }) => `write ${key}: ${limit} or less`,
  }),
  "language/formula-undefined": entry<{ x: number }>({
    message: ({ x }) => `the formula has no finite value at x = ${x}`,
    hint: () => "it needs one from -64 to 64: keep its parts there by max and min, such as log(max(x, 0.01))",
  }),
  "language/foreign-arrow": entry({
    message: () => "stages are joined by ->",
    hint: () => "write ->",
  }),
  "language/foreign-comment": entry({
    message: () => "comments start with #",
    hint: () => "write # in place of //",
  }),
  "language/group-too-wide": entry<{ size: number; inputs: number }>({
    message: ({ size, inputs }) => `a group of ${size} weights is more than a unit has inputs (${inputs})`,
    hint: ({ inputs }) =>
      `write group(${inputs}) or less; one alpha for all of a unit is weight_alpha: channel`,
  }),
  "language/half-folding": entry<{ key: string; other: string }>({
    message: ({ key, other }) => `${key} is given without ${other}`,
    hint: ({ other }) => `give ${other} too, or leave both out to have them chosen from the interval`,
  }),
  "language/idle-flatten": entry<{ size: number }>({
    severity: "warning",
    message: ({ size }) => `flatten does nothing: the value is flat already (${size} elements)`,
    hint: () => "leave it out",
  }),
  "language/idle-weight-alpha": entry<{ alpha: string; reason: "one-bit" | "one-width" }>({
    message: ({ alpha, reason }) =>
      reason === "one-bit"
        ? `weight_alpha: ${alpha} on one-bit weights: -1 and 1 have one scale in a layer`
        : `weight_alpha: ${alpha} on weights of one given width: groups share the finest step of that width`,
    hint: ({ reason }) =>
      reason === "one-bit"
        ? "leave weight_alpha out, or allow wider weights, such as weight_bits: 1..4"
        : "give a range, such as weight_bits: 2..8, or write weight_alpha: channel",
  }),
  "language/input-alpha-of-input": entry({
    message: () => "input_alpha: channel on the model's input: nothing before it can scale its channels",
    hint: () =>
      "leave input_alpha out here; it works on layers behind a dense. Elements of different size: normalize: element",
  }),
  "language/input-without-classes": entry({
    message: () => "target: input compares real values, but loss: cross_entropy compares classes",
    hint: () => "write loss: mse or loss: huber(1) beside target: input",
  }),
  "language/join-as-stage": entry<{ word: string }>({
    message: ({ word }) => `${word} joins several values and begins a chain`,
    hint: ({ word }) => `name the values and write them as operands: sum = ${word}(left, right) -> relu`,
  }),
  "language/keyword-as-name": entry<{ word: string }>({
    message: ({ word }) => `${word} is a word of the language and cannot be a name`,
    hint: ({ word }) => `choose another name, or quote it: "${word}"`,
  }),
  "language/missing-key": entry<{ subject: string; key: string; form: string }>({
    message: ({ subject, key }) => `${subject} needs ${key}`,
    hint: ({ form }) => `write for example ${form}`,
  }),
  "language/missing-section": entry<{ section: string }>({
    message: ({ section }) => `there is no ${section} section`,
    hint: ({ section }) =>
      ({
        model: "add model NAME { input ..., output ... }",
        data: 'add data { train: csv("train.csv", label: "kind"), test: csv(...), validation: 100 samples }',
        train: "add train { }, or say what is wanted: train { objective: budget(210 kbitops) }",
      })[section] ?? `add ${section} { }`,
  }),
  "language/missing-unit": entry<{ subject: string; expected: string; example: string }>({
    message: ({ subject, expected }) => `${subject} takes ${expected} with its unit`,
    hint: ({ example }) => `write for example ${example}`,
  }),
  "language/missing-version": entry({
    message: () => "the file does not say which version of the language it is written in",
    hint: () => "make floor 1 the first line",
  }),
  "language/needs-dense": entry<{ operation: string; after: string }>({
    message: ({ operation, after }) =>
      operation === "batchnorm"
        ? `batchnorm after ${after}: batchnorm directly follows a dense or a conv stage`
        : `${operation} after ${after}: ${operation} follows sums: of a dense or a conv, its batchnorm, an add, subtract or multiply`,
    hint: () => "move it behind a dense or a conv stage, or leave it out",
  }),
  "language/needs-flat": entry<{ operation: string; shape: readonly number[] }>({
    message: ({ operation, shape }) =>
      `${operation} takes a flat value, not one of shape ${shapeText(shape)}`,
    hint: ({ operation }) => `flatten it first: -> flatten -> ${operation}`,
  }),
  "language/needs-image": entry<{ change: string; shape: readonly number[] }>({
    message: ({ change, shape }) => `${change} changes images; the input has the shape ${shapeText(shape)}`,
    hint: () => `leave it out, or give the input as height x width x channels, such as 28x28x1`,
  }),
  "language/no-dense": entry({
    message: () => "there is nothing to train: no dense or conv stage leads to the output",
    hint: () => "add one with a unit for each class: image -> flatten -> fc1: dense(10) -> argmax",
  }),
  "language/no-input": entry({
    message: () => "the model has no input",
    hint: () => "add one: input image: 28x28x1 as u8",
  }),
  "language/no-output": entry({
    message: () => "the model has no output",
    hint: () => "add one: output digit = scores -> argmax",
  }),
  "language/not-text": entry({
    message: () => "this is no text file: it has NUL characters",
    hint: () => "give a .floor file in UTF-8; a UTF-16 file has to be converted",
  }),
  "language/needs-ports": entry<{ inputs: number; outputs: number; form: string }>({
    message: ({ inputs, outputs }) =>
      `a model with ${inputs} ${inputs === 1 ? "input" : "inputs"} and ${outputs} ${outputs === 1 ? "output" : "outputs"} needs samples for each of them by its name`,
    hint: ({ form }) =>
      `write ${form}, or name the arrays of an npz after inputs and outputs: npz("samples.npz")`,
  }),
  "language/not-whole": entry<{ subject: string; found: string; example: string }>({
    message: ({ subject, found }) => `${subject} is a whole number, not ${found}`,
    hint: ({ example }) => `write for example ${example}`,
  }),
  "language/one-column": entry<{ output: string; found: number }>({
    message: ({ output, found }) => `the classes of ${output} are in one column, not in ${found}`,
    hint: () => "name the column of the labels, or write a loss that compares real values, such as mse",
  }),
  "language/out-of-range": entry<{ subject: string; found: string; low: string; high: string }>({
    message: ({ subject, found }) => `${subject} cannot be ${found}`,
    hint: ({ low, high }) => `give a value from ${low} to ${high}`,
  }),
  "language/output-not-dense": entry<{ kind: string }>({
    message: ({ kind }) => `the output ends in ${kind}; it is the sums of a layer`,
    hint: () => "leave it out: the last layer gives the scores or values, and argmax may follow it",
  }),
  "language/outputs-unlike-inputs": entry<{ inputs: number; outputs: number }>({
    message: ({ inputs, outputs }) =>
      `target: input needs an output for each input, but the model has ${inputs} inputs and ${outputs} outputs`,
    hint: () => "give an output for each input, in the same order",
  }),
  "language/padding-sides": entry<{ found: number; wanted: number; shape: readonly number[] }>({
    message: ({ found, wanted, shape }) =>
      `padding has ${found} ${found === 1 ? "number" : "numbers"}, but a value of shape ${shapeText(shape)} has ${wanted} sides`,
    hint: ({ wanted }) =>
      wanted === 2
        ? "write [before, after], one number for both, same or valid"
        : "write [top, bottom, left, right], one number for all, same or valid",
  }),
  "language/positions-not-moved": entry<{ change: string; positions: readonly number[] }>({
    message: ({ change, positions }) =>
      `${change} moves the image, but what its ${shapeText(positions)} positions are compared with cannot follow`,
    hint: ({ change }) =>
      change === "shift"
        ? "leave it out: what comes in from outside has no class; flip(horizontal) mirrors the classes too"
        : "leave it out, or give the output a class for each pixel of the input",
  }),
  "language/shape-too-large": entry<{ shape: string; elements: number; limit: number; rank: number }>({
    message: ({ shape, elements, limit, rank }) =>
      elements > limit
        ? `the shape ${shape} has ${elements} elements; at most ${limit} are supported`
        : `the shape ${shape} has more than ${rank} axes`,
    hint: () => "make the input smaller before it comes here",
  }),
  "language/shift-too-far": entry<{ shift: number; shape: readonly number[] }>({
    message: ({ shift, shape }) => `a shift of ${shift} px leaves nothing of an image of ${shapeText(shape)}`,
    hint: () => "write shift(1 px)",
  }),
  "language/single-quotes": entry({
    message: () => "texts and quoted names stand between double quotes",
    hint: () => "write \" in place of '",
  }),
  "language/stage-as-join": entry<{ word: string }>({
    message: ({ word }) => `${word} is a stage of one value and follows it`,
    hint: ({ word }) => `write the value first: image -> ${word}`,
  }),
  "language/stage-as-value": entry<{ name: string }>({
    message: ({ name }) => `${shown(name)} names a stage, not a value`,
    hint: () => "give the result a name first: hidden = image -> flatten -> fc1: dense(64) -> relu",
  }),
  "language/stage-in-import": entry<{ path: string }>({
    message: ({ path }) => `the layers of this model are those of ${path}`,
    hint: () => "leave the line out; options of a layer are written NAME { weight_bits: 4 }",
  }),
  "language/surplus-argument": entry<{ subject: string; form: string }>({
    message: ({ subject }) => `too many arguments for ${subject}`,
    hint: ({ form }) => `write it like ${form}`,
  }),
  "language/syntax": entry<{ expected: string; found: string; form: string }>({
    message: ({ expected, found }) => `expected ${expected}, found ${found}`,
    hint: ({ form }) => form,
  }),
  "language/target-count": entry<{ found: number; outputs: number }>({
    message: ({ found, outputs }) =>
      `targets names ${found} columns, but the last dense has ${outputs} units`,
    hint: () => "give the last dense a unit for each target",
  }),
  "language/too-deep": entry<{ limit: number }>({
    message: ({ limit }) => `brackets are nested more than ${limit} deep`,
    hint: () => "close the brackets before this one",
  }),
  "language/too-few-classes": entry({
    message: () => "the last dense stage has one unit; a classifier needs one for each of at least 2 classes",
    hint: () => "give it a unit for each class, or write loss: mse for a real value",
  }),
  "language/too-many-errors": entry({
    severity: "note",
    message: () => "there is more to report than is shown",
    hint: () => "correct the ones above first",
  }),
  "language/unclosed-text": entry({
    message: () => 'the text has no closing "',
    hint: () => 'close it on the same line; a " inside is written \\"',
  }),
  "language/unexpected-character": entry<{ text: string }>({
    message: ({ text }) => `unexpected ${text}`,
    hint: () => "remove it, or put names and texts that need it between double quotes",
  }),
  "language/unexpected-end": entry<{ expected: string; form: string }>({
    message: ({ expected }) => `the file ends where ${expected} is expected`,
    hint: ({ form }) => form,
  }),
  "language/unfit-bits": entry<{ found: string; min: number; max: number; reason: string }>({
    message: ({ found, reason }) => `input_bits: ${found} does not fit: ${reason}`,
    hint: ({ min, max }) =>
      min === max ? `leave input_bits out` : `give input_bits within ${min}..${max}, or leave it out`,
  }),
  "language/unfit-data": entry<{
    because: string;
    needed: "labels" | "targets" | "nothing";
    format: string;
    found: "labels" | "targets";
  }>({
    message: ({ because, needed, format, found }) =>
      `${because} needs ${needed === "nothing" ? "inputs alone" : needed}, but ${format} gives ${found}`,
    hint: ({ needed, format }) =>
      ({
        nothing: "leave them out",
        labels: "name the class labels, or write loss: mse for real values",
        targets:
          format === "idx"
            ? "give the targets in csv, npy, npz or json, or write loss: cross_entropy for classes"
            : "name the targets: real values; or write loss: cross_entropy for classes",
      })[needed],
  }),
  "language/units-unlike-input": entry<{ units: number; elements: number }>({
    message: ({ units, elements }) =>
      `target: input needs a unit for each of the input's ${elements} elements, but the last dense has ${units}`,
    hint: ({ elements }) => `write dense(${elements})`,
  }),
  "language/unknown-join": entry<{ word: string } & Unknown>({
    message: ({ word, known }) => `${shown(word)} joins no values; supported: ${listed(known)}`,
    hint: ({ nearest }) =>
      nearest === undefined ? "a stage follows its value: image -> flatten" : `did you mean ${nearest}?`,
  }),
  "language/unknown-key": entry<{ subject: string; key: string } & Unknown>({
    message: ({ subject, key }) => `${subject} has no key ${shown(key)}`,
    hint: (p) => orElse(p, "keys"),
  }),
  "language/unknown-layer": entry<{ what: "input" | "layer"; name: string } & Unknown>({
    message: ({ what, name }) =>
      what === "input"
        ? `the file has no input ${shown(name)}`
        : `the file has no dense or conv named ${shown(name)}`,
    hint: (p) => orElse(p, `${p.what}s`),
  }),
  "language/unknown-name": entry<{ name: string } & Unknown>({
    message: ({ name }) => `there is no value named ${shown(name)}`,
    hint: (p) =>
      p.known.length === 0 ? "define an input first: input image: 28x28x1 as u8" : orElse(p, "values so far"),
  }),
  "language/unknown-section": entry<{ section: string } & Unknown>({
    message: ({ section }) => `there is no section ${shown(section)}`,
    hint: (p) => orElse(p, "sections"),
  }),
  "language/unknown-stage": entry<{ stage: string } & Unknown>({
    message: ({ stage, known }) => `unknown stage ${shown(stage)}; supported: ${listed(known)}`,
    hint: ({ nearest }) =>
      nearest === undefined ? "build the model from the supported stages" : `did you mean ${nearest}?`,
  }),
  "language/unknown-unit": entry<{ unit: string; example: string } & Unknown>({
    message: ({ unit }) => `unknown unit ${shown(unit)}`,
    hint: (p) =>
      p.known.length === 0 && p.nearest === undefined
        ? `write for example ${p.example}`
        : `${orElse(p, "units")}; write for example ${p.example}`,
  }),
  "language/unknown-word": entry<{ what: string; word: string } & Unknown>({
    message: ({ what, word, known }) => `unknown ${what} ${shown(word)}; supported: ${listed(known)}`,
    hint: ({ nearest }) =>
      nearest === undefined ? "use one of the supported ones" : `did you mean ${nearest}?`,
  }),
  "language/unlike-splits": entry({
    message: () => "training and test data are written in different ways",
    hint: () => "give both as files of samples, or both by the names of inputs and outputs",
  }),
  "language/unsupported-version": entry<{ version: number }>({
    message: ({ version }) => `version ${version} of the language is not supported`,
    hint: () => "this compiler reads floor 1; newer files need a newer noisefloor",
  }),
  "language/unused-input": entry<{ name: string }>({
    message: ({ name }) => `the input ${shown(name)} is not used: no output depends on it`,
    hint: () => "remove it, or use it",
  }),
  "language/unused-value": entry<{ name: string }>({
    severity: "warning",
    message: ({ name }) => `${shown(name)} is not used; its stages will not be built`,
    hint: () => "remove it, or use it in the output",
  }),
  "language/used-before-definition": entry<{ name: string }>({
    message: ({ name }) => `${shown(name)} is used before it is defined`,
    hint: () => "move the definition above its first use",
  }),
  "language/weight-count": entry<{ found: number; outputs: number }>({
    message: ({ found, outputs }) => `the loss has ${found} weights, but the last dense has ${outputs} units`,
    hint: ({ outputs }) => `give ${outputs} weights, or leave them out`,
  }),
  "language/wrong-kind": entry<{ subject: string; expected: string; found: string; example: string }>({
    message: ({ subject, expected, found }) => `${subject} takes ${expected}, not ${found}`,
    hint: ({ example }) => `write for example ${example}`,
  }),
  "language/wrong-unit": entry<{ subject: string; expected: string; found: string; example: string }>({
    message: ({ subject, expected, found }) => `${subject} takes ${expected}, not ${found}`,
    hint: ({ example }) => `write for example ${example}`,
  }),
};
