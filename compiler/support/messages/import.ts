// Diagnostics of reading networks from other tools' files. Names of the file's nodes are quoted: they are somebody
// else's text.
import { entry } from "./define.ts";

/** A name of the file as a JSON text, cut when it is long. */
const quoted = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
const listed = (names: readonly string[]): string =>
  names.slice(0, 5).map(quoted).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

export const importMessages = {
  // sorted by code
  "import/bad-shape": entry<{ tensor: string; problem: string }>({
    message: ({ tensor, problem }) => `the shape of ${quoted(tensor)}: ${problem}`,
    hint: () => "export the model again with a fixed input shape; only the batch dimension may be open",
  }),
  "import/bad-tensor": entry<{ tensor: string; problem: string }>({
    message: ({ tensor, problem }) => `the constant ${quoted(tensor)} ${problem}`,
    hint: () => "export the model again, with its constants as floats or integers of up to 53 bits",
  }),
  "import/batchnorm-axis": entry<{ node: string; axis: number }>({
    severity: "warning",
    message: ({ node, axis }) =>
      `BatchNormalization ${quoted(node)} has no channels on axis 1; those on axis ${axis} are taken, which are as many`,
    hint: () => "an old keras2onnx left out the permutation of the Transposes around it; check some outputs",
  }),
  "import/cycle": entry<{ nodes: readonly string[] }>({
    message: ({ nodes }) => `the nodes ${listed(nodes)} wait for each other in a circle`,
    hint: () => "the file is no sound ONNX graph; export the model again",
  }),
  "import/damaged": entry<{ path: string; format: string; problem: string }>({
    message: ({ path, format, problem }) => `${path} is no ${format} file, or a damaged one: ${problem}`,
    hint: () => "download or export the file again",
  }),
  "import/does-not-fit": entry<{ node: string; operator: string; problem: string; advice: string }>({
    message: ({ node, operator, problem }) => `${operator} ${quoted(node)}: ${problem}`,
    hint: ({ advice }) => advice,
  }),
  "import/duplicate-tensor": entry<{ tensor: string }>({
    message: ({ tensor }) => `several nodes make the tensor ${quoted(tensor)}`,
    hint: () => "the file is no sound ONNX graph; export the model again",
  }),
  "import/external-data": entry<{ tensor: string; location: string; problem: string }>({
    message: ({ tensor, location, problem }) =>
      `the data of the constant ${quoted(tensor)} is in another file, ${quoted(location)}: ${problem}`,
    hint: () => "keep the data files beside the model, in its own folder, as they were exported",
  }),
  "import/function": entry<{ node: string; operator: string }>({
    message: ({ node, operator }) => `${quoted(node)} calls ${operator}, a function of the model`,
    hint: () => "inline the functions first: onnx.inliner.inline_local_functions(model)",
  }),
  "import/long-name": entry<{ field: string; bytes: number; limit: number }>({
    message: ({ field, bytes, limit }) =>
      `it holds a name of ${bytes} bytes (field ${quoted(field)}); at most ${limit} are read`,
    hint: () => "give the tensors, nodes and files of the model shorter names, and save it again",
  }),
  "import/missing-tensor": entry<{ node: string; tensor: string }>({
    message: ({ node, tensor }) => `${quoted(node)} reads ${quoted(tensor)}, which nothing makes`,
    hint: () => "the file is no sound ONNX graph; export the model again",
  }),
  "import/more-problems": entry<{ count: number }>({
    message: ({ count }) => `and ${count} more`,
    hint: () => "correct the first ones and read the file again",
  }),
  "import/newer-opset": entry<{ opset: number; newest: number }>({
    severity: "warning",
    message: ({ opset, newest }) => `opset ${opset} is newer than ${newest}, the newest that is known here`,
    hint: ({ newest }) => `operators are read by the rules of ${newest}; check some outputs`,
  }),
  "import/no-network": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: ${problem}`,
    hint: () => "the file has to hold one network, from at least one input to at least one output",
  }),
  "import/old-opset": entry<{ opset: number; oldest: number }>({
    message: ({ opset, oldest }) => `opset ${opset} is not supported; opsets from ${oldest} on are`,
    hint: ({ oldest }) =>
      `convert the model first: onnx.version_converter.convert_version(model, ${Math.max(13, oldest)})`,
  }),
  "import/out-of-memory": entry<{ path: string; megabytes: number }>({
    message: ({ path, megabytes }) => `${path}: reading it took more than ${megabytes} MB and was ended`,
    hint: () => "the file is damaged, or too large for this compiler",
  }),
  "import/softmax-dropped": entry<{ node: string; operator: string }>({
    severity: "warning",
    message: ({ node, operator }) =>
      `${operator} ${quoted(node)} at the end is left out: the outputs are the values before it`,
    hint: () => "the class with the largest value stays the same",
  }),
  "import/too-large": entry<{ what: string; found: number; limit: number }>({
    message: ({ what, found, limit }) => `${what}: ${found} is above the limit of ${limit}`,
    hint: () => "only models that fit an FPGA or a microcontroller can be compiled",
  }),
  "import/too-many": entry<{ what: string; limit: number }>({
    message: ({ what, limit }) => `it has more than ${limit} ${what}`,
    hint: () => "only models that fit an FPGA or a microcontroller can be compiled",
  }),
  "import/too-slow": entry<{ path: string; seconds: number }>({
    message: ({ path, seconds }) => `${path}: reading it took more than ${seconds} s and was ended`,
    hint: () => "the file is damaged, or too large for this compiler",
  }),
  "import/unknown-format": entry<{ path: string; known: readonly string[] }>({
    message: ({ path }) => `${path} has no known ending`,
    hint: ({ known }) =>
      known.length === 0
        ? "describe the model in the text"
        : `files that end in ${known.join(", ")} are read`,
  }),
  "import/unsupported-form": entry<{
    node: string;
    operator: string;
    opset: number;
    problem: string;
    advice: string;
  }>({
    message: ({ node, operator, opset, problem }) =>
      `${operator} ${quoted(node)} (opset ${opset}): ${problem}`,
    hint: ({ advice }) => advice,
  }),
  "import/unsupported-operator": entry<{
    nodes: readonly string[];
    operator: string;
    opset: number;
    advice: string;
  }>({
    message: ({ nodes, operator, opset }) =>
      `the operator ${operator} (opset ${opset}) is not supported; it is used by ${listed(nodes)}`,
    hint: ({ advice }) => advice,
  }),
  "import/unused-input": entry<{ tensor: string }>({
    severity: "warning",
    message: ({ tensor }) => `no output depends on the input ${quoted(tensor)}; it is left out`,
    hint: () => "remove it from the model before it is exported",
  }),
};
