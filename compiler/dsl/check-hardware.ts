// The hardware section: its keys, defaults and limits. In: its syntax tree, if there is one. Out: what it asks for.
import type { HardwareSpec } from "../graph/project.ts";
import type { SectionInput } from "./check-training.ts";
import {
  type CheckContext,
  type Fields,
  type FieldValues,
  numberReader,
  readFields,
  type Signature,
  wordReader,
} from "./read-fields.ts";
import { operandsReader } from "./read-sizes.ts";

const hardware = {
  fields: {
    clock: numberReader({ dimension: "frequency", min: 1e-3, max: 1e4, example: "clock: 100 MHz" }),
    interval: numberReader({
      dimension: "cycles",
      min: 1,
      max: 1e9,
      whole: true,
      example: "interval: 784 cycles",
    }),
    multiplier: operandsReader,
    outputs: wordReader("kind of output", ["class", "logits", "both"]),
  },
  form: "hardware { clock: 100 MHz, interval: 784 cycles, outputs: class }",
} as const satisfies Signature<Fields>;

const HARDWARE_DEFAULTS = { clockMHz: 100, intervalCycles: 1024 };

/** The section without what belongs to single layers; `outputs` is absent when it is left to the model. */
export interface CheckedHardware extends Pick<HardwareSpec, "clockMHz" | "intervalCycles" | "multiplier"> {
  readonly outputs?: HardwareSpec["outputs"];
  readonly places: FieldValues<Fields>["places"];
}

/** Checks the hardware section, which may be left out. */
export function checkHardware(section: SectionInput | undefined, context: CheckContext): CheckedHardware {
  const at = section?.at;
  const { values, places } = at
    ? readFields(section.settings, hardware, "hardware", at, context)
    : { values: {} as FieldValues<typeof hardware.fields>["values"], places: new Map<string, never>() };
  return {
    clockMHz: values.clock ?? HARDWARE_DEFAULTS.clockMHz,
    intervalCycles: values.interval ?? HARDWARE_DEFAULTS.intervalCycles,
    ...(values.multiplier ? { multiplier: values.multiplier } : {}),
    ...(values.outputs ? { outputs: values.outputs } : {}),
    places,
  };
}
