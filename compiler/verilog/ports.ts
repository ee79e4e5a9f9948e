// The top module's ports: one AXI4-Stream port for each input and output. In: the stages of a design. Out: the names of the
// ports, and their declarations.
import type { InputStage, OutputStage, Stage } from "../schedule/stages.ts";
import { createNameSpace, legalStem } from "./names.ts";
import type { PortPlan } from "./plan.ts";

export const AXIS_SIGNALS = ["tdata", "tvalid", "tready", "tlast"];

export interface TopPorts {
  /** Beginnings of the ports' names by stage: "s_axis", or "s_axis_<input>" where there are several. */
  readonly names: ReadonlyMap<Stage, string>;
  /** What an input's wire for wrong framing is. */
  readonly frameErrors: ReadonlyMap<Stage, string>;
  /** Every name that is taken. */
  readonly taken: readonly string[];
  readonly plans: readonly PortPlan[];
}

/** Ports of a design, in the order of their declaration. */
export function topPorts(stages: readonly Stage[]): TopPorts {
  const inputs = stages.filter((s) => s.kind === "input");
  const outputs = stages.filter((s) => s.kind === "output");
  const space = createNameSpace();
  const suffixes = AXIS_SIGNALS.map((signal) => `_${signal}`);
  const nameOf = (side: string, of: string, fallback: string, count: number): string =>
    space.take(count === 1 ? side : `${side}_${legalStem(of, fallback)}`, suffixes);
  const names = new Map<Stage, string>([
    ...inputs.map((s) => [s, nameOf("s_axis", s.value.name, "input", inputs.length)] as const),
    ...outputs.map((s) => [s, nameOf("m_axis", s.outputs[0]!.name, "output", outputs.length)] as const),
  ]);
  const single = inputs.length === 1;
  const declared = [
    ...["aclk", "aresetn"].map((name) => ({ direction: "input ", bits: "", name })),
    ...[...inputs, ...outputs].flatMap((stage) => signalsOf(stage, names.get(stage)!)),
    { direction: "output", bits: single ? "" : `[${inputs.length - 1}:0]`, name: "frame_error" },
  ];
  const width = Math.max(...declared.map(({ bits }) => bits.length));
  return {
    names,
    frameErrors: new Map(inputs.map((s, k) => [s, single ? "frame_error" : `frame_error[${k}]`])),
    // `rules` is bound to the module in simulations.
    taken: [...declared.map(({ name }) => name), "rules"],
    plans: declared.map(({ direction, bits, name }, i) => ({
      direction,
      range: `${bits.padStart(width)} `,
      name,
      end: i < declared.length - 1 ? "," : "",
    })),
  };
}

function signalsOf(stage: InputStage | OutputStage, port: string) {
  const receives = stage.kind === "input";
  return AXIS_SIGNALS.map((signal) => ({
    direction: receives === (signal === "tready") ? "output" : "input ",
    bits: signal === "tdata" ? `[${stage.lanes * stage.laneBits - 1}:0]` : "",
    name: `${port}_${signal}`,
  }));
}
