// Diagnostics of data files. Offsets are bytes from the start of the (decompressed) file; rows are lines of the
// text, from 1; samples count from 0.
import { entry } from "./define.ts";

const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? "scalar" : shape.join("x"));
const listText = (names: readonly string[]): string => {
  const shown = names.slice(0, 20).map((n) => JSON.stringify(n));
  return names.length === 0
    ? "nothing"
    : shown.join(", ") + (names.length > 20 ? ` and ${names.length - 20} more` : "");
};

export const dataMessages = {
  // sorted by code
  "data/bad-path": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${JSON.stringify(path)} is no data path: ${problem}`,
    hint: () => "write a path relative to the model file, or npm:package/path/in/the/package",
  }),
  "data/class-count": entry<{ path: string; found: number; classes: number; names: readonly string[] }>({
    message: ({ path, found, classes, names }) =>
      `${path}: the labels name ${found} different classes (${listText(names)}), but the model has ${classes} outputs`,
    hint: () => "give the last layer one unit for each class, or correct the labels",
  }),
  "data/class-path": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: ${problem}`,
    hint: () =>
      "{class} in a path stands for 0, 1, 2 and so on: one file for each class, which needs no labels beside it",
  }),
  "data/compressed": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: damaged compressed data: ${problem}`,
    hint: () => "the file is truncated or damaged; download it or make it again",
  }),
  "data/csv-cell": entry<{ path: string; row: number; column: string; text: string; problem: string }>({
    message: ({ path, row, column, text, problem }) =>
      `${path}, row ${row}, column ${JSON.stringify(column)}: ${problem}${text === "" ? "" : `: ${JSON.stringify(text)}`}`,
    hint: () =>
      "every feature is a finite decimal number with a point, such as 0.25; fill in or remove incomplete rows",
  }),
  "data/csv-header": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: ${problem}`,
    hint: () => "the first row of a CSV file holds the names of the columns, each once",
  }),
  "data/csv-ragged": entry<{ path: string; row: number; found: number; expected: number }>({
    message: ({ path, row, found, expected }) =>
      `${path}, row ${row}: ${found} ${found === 1 ? "cell" : "cells"}, but the header has ${expected}`,
    hint: () => "put text that holds a comma between double quotes; separate cells by commas",
  }),
  "data/csv-syntax": entry<{ path: string; row: number; problem: string }>({
    message: ({ path, row, problem }) => `${path}, row ${row}: ${problem}`,
    hint: () => 'a quoted cell starts and ends with " and doubles every " inside',
  }),
  "data/empty": entry<{ path: string }>({
    message: ({ path }) => `${path} holds no samples`,
    hint: () => "give a file with at least one sample",
  }),
  "data/idx-header": entry<{ path: string; offset: number; problem: string }>({
    message: ({ path, offset, problem }) => `${path}, byte ${offset}: not a valid IDX file: ${problem}`,
    hint: () =>
      "IDX files start with two zero bytes, a type byte and the number of dimensions, as MNIST's files do",
  }),
  "data/json-field": entry<{ path: string; field: string; available: readonly string[] }>({
    message: ({ path, field, available }) =>
      `${path} has no field ${JSON.stringify(field)}; it has ${listText(available)}`,
    hint: () => 'the file is one object such as {"inputs": [[0.1, 0.2]], "labels": [0]}',
  }),
  "data/json-syntax": entry<{ path: string; line: number; column: number; problem: string }>({
    message: ({ path, line, column, problem }) => `${path}:${line}:${column}: not valid JSON: ${problem}`,
    hint: () => "JSON has no comments, no trailing commas, and no NaN or Infinity",
  }),
  "data/json-value": entry<{ path: string; where: string; problem: string }>({
    message: ({ path, where, problem }) => `${path}, ${where}: ${problem}`,
    hint: () => "inputs are nested arrays of numbers in which all arrays of one depth have the same length",
  }),
  "data/label-count": entry<{ path: string; labels: number; inputs: number }>({
    message: ({ path, labels, inputs }) => `${path}: ${labels} labels for ${inputs} samples`,
    hint: () =>
      "every sample needs its label, or one at each position of the output; check that both files belong together",
  }),
  "data/label-range": entry<{ path: string; where: string; label: number; classes: number }>({
    message: ({ path, where, label, classes }) =>
      `${path}, ${where}: the label ${label} is no class from 0 to ${classes - 1}`,
    hint: ({ classes }) => `the model has ${classes} classes: labels are whole numbers that start at 0`,
  }),
  "data/label-value": entry<{ path: string; where: string; problem: string }>({
    message: ({ path, where, problem }) => `${path}, ${where}: ${problem}`,
    hint: () => "labels are whole numbers from 0, or all of them class names",
  }),
  "data/labels-missing": entry<{ path: string; format: string }>({
    message: ({ path, format }) =>
      `${path}: an ${format} file holds inputs only, and no file of labels is given`,
    hint: ({ format }) => `name it too: ${format}("inputs", labels: "labels")`,
  }),
  "data/missing-file": entry<{ path: string }>({
    message: ({ path }) => `no such data file: ${path}`,
    hint: () => "data paths are relative to the folder of the model file",
  }),
  "data/missing-package": entry<{ path: string; package: string }>({
    category: "environment",
    message: ({ path, package: name }) => `${path}: the npm package ${name} is not installed`,
    hint: ({ package: name }) => `run in the folder of the model: npm install ${name}`,
  }),
  "data/missing-port": entry<{ port: string; split: "train" | "test" }>({
    message: ({ port, split }) => `${split} has no samples of ${port}`,
    hint: () => "give a file for every input and output",
  }),
  "data/mixed-numbers": entry<{ first: string; second: string; firstKind: string; secondKind: string }>({
    message: ({ first, second, firstKind, secondKind }) =>
      `${first} holds ${firstKind}, but ${second} holds ${secondKind}`,
    hint: () =>
      "whole numbers are stored integers, numbers with a decimal point are values: write all files the same way",
  }),
  "data/non-finite": entry<{ path: string; where: string; value: number }>({
    message: ({ path, where, value }) => `${path}, ${where}: ${value} is no finite number`,
    hint: () => "remove the sample, or replace the value before training",
  }),
  "data/npy-header": entry<{ path: string; offset: number; problem: string }>({
    message: ({ path, offset, problem }) => `${path}, byte ${offset}: not a valid NPY file: ${problem}`,
    hint: () => "write the file with numpy.save(path, array)",
  }),
  "data/safetensors": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path} is no safetensors file: ${problem}`,
    hint: () => "the file is cut off or damaged: write it again",
  }),
  "data/npy-type": entry<{ path: string; type: string }>({
    message: ({ path, type }) => `${path}: arrays of type ${type} are not supported`,
    hint: () => "convert it first, for example array.astype('uint8') or array.astype('float32')",
  }),
  "data/npy-value": entry<{ path: string; index: number; problem: string }>({
    message: ({ path, index, problem }) => `${path}, element ${index} of the array: ${problem}`,
    hint: () => "write the array with a type that holds its values",
  }),
  "data/npz-array": entry<{ path: string; name: string; available: readonly string[] }>({
    message: ({ path, name, available }) =>
      `${path} has no array ${JSON.stringify(name)}; it has ${listText(available)}`,
    hint: () => 'name the arrays as in the file: npz("samples.npz", inputs: "x", labels: "y")',
  }),
  "data/out-of-range": entry<{
    path: string;
    where: string;
    value: number;
    type: string;
    min: number;
    max: number;
  }>({
    message: ({ path, where, value, type, min, max }) =>
      `${path}, ${where}: ${value} is outside ${type}, which holds ${min} to ${max}`,
    hint: () =>
      "integers in a data file are the stored integers of the input: widen the input's type, or scale the data",
  }),
  "data/part-count": entry<{
    path: string;
    from: "first" | "last";
    perClass: number;
    found: number;
    label: number | undefined;
  }>({
    message: ({ path, from, perClass, found, label }) =>
      `${path}: the ${from} ${perClass} samples${label === undefined ? "" : ` of class ${label}`} are asked for, but there are only ${found}`,
    hint: ({ label }) => `ask for fewer${label === undefined ? "" : ": a part takes as many of every class"}`,
  }),
  "data/parts-overlap": entry<{ path: string; shared: number }>({
    message: ({ path, shared }) =>
      `${path}: ${shared} ${shared === 1 ? "sample is" : "samples are"} both in the training and in the test data`,
    hint: () => "take the first samples for one and the last for the other, few enough to leave none in both",
  }),
  "data/port-count": entry<{ port: string; count: number; first: string; expected: number }>({
    message: ({ port, count, first, expected }) =>
      `${port} has ${count} ${count === 1 ? "sample" : "samples"}, but ${first} has ${expected}`,
    hint: () => "every input and output needs as many samples, in the same order",
  }),
  "data/rows-skipped": entry<{ path: string; count: number; rows: readonly string[] }>({
    severity: "warning",
    message: ({ path, count, rows }) =>
      `${path}: ${count} malformed ${count === 1 ? "row" : "rows"} skipped: ${rows.join("; ")}${count > rows.length ? `; and ${count - rows.length} more` : ""}`,
  }),
  "data/several-arrays": entry<{ path: string; names: readonly string[] }>({
    message: ({ path, names }) => `${path}: the inputs name ${names.length} arrays (${listText(names)})`,
    hint: () => "a model's input is one array: give one name",
  }),
  "data/shape": entry<{ path: string; found: readonly number[]; expected: readonly number[] }>({
    message: ({ path, found, expected }) =>
      `${path}: a sample has the shape ${shapeText(found)}, but the model's input is ${shapeText(expected)}`,
    hint: () =>
      "the first axis counts the samples, the others are the shape of the input, channels last; a single channel may be left out",
  }),
  "data/target-count": entry<{ path: string; targets: number; inputs: number }>({
    message: ({ path, targets, inputs }) => `${path}: targets of ${targets} samples for ${inputs} samples`,
    hint: () => "every sample needs its targets; check that both belong together",
  }),
  "data/target-shape": entry<{ path: string; found: readonly number[]; outputs: number }>({
    message: ({ path, found, outputs }) =>
      `${path}: the targets of a sample have the shape ${shapeText(found)}, but the model has ${outputs} ${outputs === 1 ? "output" : "outputs"}`,
    hint: ({ outputs }) =>
      `give ${outputs} ${outputs === 1 ? "number" : "numbers"} for each sample, or give the last layer one unit for each target`,
  }),
  "data/target-value": entry<{ path: string; where: string; problem: string }>({
    message: ({ path, where, problem }) => `${path}, ${where}: ${problem}`,
    hint: () => "scale the targets before training",
  }),
  "data/targets-missing": entry<{ path: string; format: string; hasLabels: boolean }>({
    message: ({ path, hasLabels }) =>
      `${path}: the loss compares with real values, but ${hasLabels ? "labels are named instead of targets" : "no targets are named"}`,
    hint: ({ format }) =>
      format === "idx" || format === "npy"
        ? `name their file too: ${format}("inputs", targets: "targets")`
        : `name them: ${format}("file", targets: ["power", "torque"])`,
  }),
  "data/too-large": entry<{ path: string; what: string; found: number; limit: number }>({
    message: ({ path, what, found, limit }) => `${path}: ${what}: ${found} is above the limit of ${limit}`,
    hint: () => "split the file, or store it with a smaller type",
  }),
  "data/trailing-bytes": entry<{ path: string; offset: number; extra: number }>({
    message: ({ path, offset, extra }) =>
      `${path}, byte ${offset}: ${extra} bytes follow the data that the header declares`,
    hint: () => "the header and the content disagree; make the file again",
  }),
  "data/truncated": entry<{ path: string; what: string; offset: number; needed: number; found: number }>({
    message: ({ path, what, offset, needed, found }) =>
      `${path}, byte ${offset}: the file is truncated: ${what} needs ${needed} bytes, ${found} are left`,
    hint: () => "download the file or make it again",
  }),
  "data/unknown-class": entry<{ path: string; where: string; label: string; names: readonly string[] }>({
    message: ({ path, where, label, names }) =>
      `${path}, ${where}: the class ${JSON.stringify(label)} does not occur in the training data, which has ${listText(names)}`,
    hint: () => "check the spelling; every class of the test data needs training samples",
  }),
  "data/unknown-column": entry<{ path: string; column: string; available: readonly string[] }>({
    message: ({ path, column, available }) =>
      `${path} has no column ${JSON.stringify(column)}; it has ${listText(available)}`,
    hint: () => "name columns as in the file's first row, upper and lower case as written there",
  }),
  "data/unwanted-targets": entry<{ path: string; format: string }>({
    message: ({ path }) => `${path}: the loss compares with classes, but targets are named instead of labels`,
    hint: () => "name the labels, or take a loss that compares with real values, such as mse",
  }),
  "data/utf8": entry<{ path: string }>({
    message: ({ path }) => `${path} is no UTF-8 text`,
    hint: () => "save the file with the encoding UTF-8",
  }),
  "data/validation-count": entry<{ validation: number; count: number }>({
    message: ({ validation, count }) =>
      `${validation} validation samples are asked for, but the training data has only ${count} samples`,
    hint: ({ count }) => `ask for fewer than ${count}: at least one sample must be left to train on`,
  }),
};
