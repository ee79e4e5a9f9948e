// The simulation top that can put random bits between the stages. In: the manifest and the tap wrapper's text. Out:
// a SystemVerilog module around the tap wrapper, and which values it can force.

import { provedRanges } from "../program/bounds.ts";
import type { RtlManifest, StreamPort } from "../program/manifest.ts";
import { mantissaRange, operandsOf, type Program, valueNamed } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";

export interface ForceWrapper {
  readonly module: string;
  readonly text: string;
  /** For Verilator, to be read before the sources. */
  readonly config: string;
  /** Names of the program's values whose streams are forced. */
  readonly values: ReadonlySet<string>;
}

const MODULE = "nf_forced";

/** `sources`: texts of the design's modules. Undefined when no stream between two stages can be forced: then every stage is reached from the input. */
export function createForceWrapper(
  program: Program,
  manifest: RtlManifest,
  wrapperText: string,
  sources: readonly string[],
): ForceWrapper | undefined {
  const streams: { index: number; stream: string; words: number; top: number; last: number }[] = [];
  const values = new Set<string>();
  const ranges = provedRanges(program);
  for (const { index, instance } of tapInstances(wrapperText)) {
    const tap = manifest.taps.find((t) => t.index === index);
    if (tap?.kind !== "stream") continue;
    // Sums are as wide as what their operands can hold: bits beyond that would not be the program's.
    const [held, all] = [ranges.get(tap.value)!, mantissaRange(valueNamed(program, tap.value).format)];
    if (held.min > all.min || held.max < all.max) continue;
    // A result that no stage reads is moot.
    if (!isRead(program, tap.value)) continue;
    // The stream of a transpose is another value's, such as an input's, which has more readers.
    if (program.instructions.some((i) => i.op === "transpose" && i.result === tap.value)) continue;
    const bits = instance.lanes * instance.width;
    const words = Math.ceil(bits / 32);
    streams.push({ index, stream: instance.stream, words, top: 32 * words - 1, last: bits - 1 });
    values.add(tap.value);
  }
  if (streams.length === 0) return undefined;
  const text = renderTemplate("harness/force.sv", {
    module: MODULE,
    inner: manifest.tapWrapper.module,
    inputs: manifest.inputs.map(portText),
    outputs: manifest.outputs.map(portText),
    errorRange: manifest.inputs.length === 1 ? "" : `[${manifest.inputs.length - 1}:0] `,
    streams,
  });
  return { module: MODULE, text, config: configOf(sources), values };
}

/**
 * Where a module whose result is a wire is inlined, Verilator 5.006 may hand on what that wire is assigned to its readers, past
 * the force: such modules stay whole.
 */
function configOf(sources: readonly string[]): string {
  const modules = sources.flatMap((source) => {
    const [, name] = /^module (\w+)/m.exec(source) ?? [];
    return name !== undefined && /^ *output wire .*\bm_data\b/m.test(source) ? [name] : [];
  });
  return ["`verilator_config", ...modules.map((name) => `no_inline -module "${name}"`), ""].join("\n");
}

/** Whether anything but a port reads a value, under this or another name. */
function isRead(program: Program, value: string): boolean {
  return program.instructions.some(
    (i) => operandsOf(i).includes(value) && (i.op !== "reshape" || isRead(program, i.result)),
  );
}

const portText = ({ name, lanes, laneBits }: StreamPort) => ({ name, range: `[${lanes * laneBits - 1}:0]` });

interface TapInstance {
  readonly stream: string;
  readonly lanes: number;
  readonly width: number;
}

/** The tap wrapper's nf_tap_stream instances: which stream each of them watches. */
function tapInstances(text: string): { index: number; instance: TapInstance }[] {
  const found: { index: number; instance: TapInstance }[] = [];
  for (const [, parameters, ports] of text.matchAll(/nf_tap_stream #\(([^;]*?)\n {2}\) \w+ \(([^;]*?)\);/g)) {
    const number = (name: string): number =>
      Number(new RegExp(`\\.${name}\\s*\\((\\d+)\\)`).exec(parameters!)?.[1]);
    const stream = /\.data\s*\(dut\.(\w+)_data\)/.exec(ports!)?.[1];
    const instance = { lanes: number("LANES"), width: number("WIDTH") };
    if (stream !== undefined) found.push({ index: number("INDEX"), instance: { stream, ...instance } });
  }
  return found;
}
