// Diagnostics of exports.
import { entry } from "./define.ts";

export const exportMessages = {
  "export/not-ours": entry<{ folder: string }>({
    message: ({ folder }) => `${folder} is not empty and was not made by noisefloor export`,
    hint: () => "name an empty folder, one to make, or one that export made: that one is replaced",
  }),
  "export/unsupported": entry<{ instruction: string; layer: string; result: string; problem: string }>({
    message: ({ instruction, layer, result, problem }) =>
      `layer ${layer}: the ${instruction} that makes ${JSON.stringify(result)} has no words in QONNX: ${problem}`,
    hint: () => "--format npz,safetensors,vectors leaves the QONNX model out",
  }),
  "export/unsupported-input": entry<{ input: string }>({
    message: ({ input }) =>
      `input ${JSON.stringify(input)} has one signed bit, -1 or 0, which QONNX takes for a sign`,
    hint: () => "store it with two bits, or leave the QONNX model out: --format npz,safetensors,vectors",
  }),
};
