// Assertions for a simulation: the rules of AXI4-Stream on every port, and that packets are neither lost nor doubled. In: the
// manifest. Out: SystemVerilog that binds them to the top module.
import type { RtlManifest, StreamPort } from "../program/manifest.ts";
import { renderTemplate } from "../render/render.ts";
import type { PortPlan } from "./plan.ts";

/** Cycles beyond latency and interval that a packet may take which came slowly. */
const SLACK = 64;

/** Text of tb/<top>_rules.sv. */
export function rulesText(
  manifest: RtlManifest,
  ports: readonly PortPlan[],
  header: readonly string[],
): string {
  const { top, inputs, outputs, latencyCycles, intervalCycles } = manifest;
  const streams = [
    ...inputs.map((port) => ({ port, leaves: 0 })),
    ...outputs.map((port) => ({ port, leaves: 1 })),
  ].map(({ port, leaves }) => ({
    name: port.name,
    bits: port.lanes * port.laneBits,
    beats: port.beats,
    leaves,
  }));
  const judged = ports.filter(({ name }) => name !== "frame_error");
  const any = (of: (port: StreamPort) => string): string => outputs.map(of).join(" || ");
  // With several inputs a packet that came whole is dropped with those of the others that did not.
  const single = inputs.length === 1 ? inputs[0] : undefined;
  return renderTemplate("verilog/tb/rules.sv", {
    header,
    top,
    module: `${top}_rules`,
    ports: judged.map((port, i) => ({ ...port, end: i < judged.length - 1 ? "," : "" })),
    streams,
    pairs: outputs.flatMap((output) => inputs.map((input) => ({ input: input.name, output: output.name }))),
    single: single
      ? {
          patience: latencyCycles + intervalCycles + SLACK,
          owed: any(({ name }) => `${name}_packets < ${single.name}_packets`),
          heldUp: any(({ name }) => `(${name}_tvalid && !${name}_tready)`),
          leaving: any(({ name }) => `(${name}_tvalid && ${name}_tready)`),
        }
      : null,
  });
}
