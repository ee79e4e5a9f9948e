// The ring of flip-flops in which a core is placed without its pins. In: the manifest. Out: its Verilog, and that of the core's
// ports.
import type { RtlManifest } from "../program/manifest.ts";
import { renderTemplate } from "../render/render.ts";

export const RING_MODULE = "nf_ring";

interface Port {
  readonly name: string;
  readonly direction: "input" | "output";
  readonly width: number;
}

/** Every port of the top module but the clock, in a fixed order. */
export function corePorts({ inputs, outputs }: RtlManifest): readonly Port[] {
  const port = (direction: Port["direction"], name: string, width = 1): Port => ({ name, direction, width });
  return [
    port("input", "aresetn"),
    ...inputs.flatMap(({ name, lanes, laneBits }) => [
      port("input", `${name}_tdata`, lanes * laneBits),
      port("input", `${name}_tvalid`),
      port("output", `${name}_tready`),
      port("input", `${name}_tlast`),
    ]),
    ...outputs.flatMap(({ name, lanes, laneBits }) => [
      port("output", `${name}_tdata`, lanes * laneBits),
      port("output", `${name}_tvalid`),
      port("input", `${name}_tready`),
      port("output", `${name}_tlast`),
    ]),
    port("output", "frame_error", inputs.length),
  ];
}

const rangeOf = (width: number): string => (width === 1 ? "" : `[${width - 1}:0] `);

/** Verilog of the ring, and of the core as a black box. */
export function createRing(manifest: RtlManifest): { readonly ring: string; readonly core: string } {
  const { top } = manifest;
  const ports = corePorts(manifest);
  const wires = ports.filter((p) => p.direction === "output");
  const seen = wires.reduce((sum, { width }) => sum + width, 0);
  let driven = 0;
  const connections = ports.map(({ name, direction, width }) => {
    if (direction === "output") return { name, to: name };
    const first = driven;
    driven += width;
    return { name, to: width === 1 ? `drive[${first}]` : `drive[${first + width - 1}:${first}]` };
  });
  return {
    ring: renderTemplate("flow/ring.v", {
      ring: RING_MODULE,
      top,
      // One flip-flop more at the end of the chain of inputs: what it holds goes on into that of the outputs.
      driveTop: driven,
      driveNext: driven - 1,
      seenTop: seen - 1,
      seenNext: seen - 2,
      wires: wires.map(({ name, width }) => ({ name, range: rangeOf(width) })),
      connections,
    }),
    core: renderTemplate("flow/core.v", {
      top,
      ports: [{ name: "aclk", direction: "input", width: 1 } as const, ...ports].map((p) => ({
        name: p.name,
        direction: p.direction.padEnd(6),
        range: rangeOf(p.width),
      })),
    }),
  };
}
