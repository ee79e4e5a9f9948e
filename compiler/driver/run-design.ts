// Inferences of a compiled design on a chosen back end. In: a design and mantissas. Out: mantissas of the outputs.
import type { Scale } from "../program/manifest.ts";
import { type OutputRole, valueNamed } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";
import { fail } from "../support/diagnostics.ts";
import { inferC } from "../verify/c.ts";
import { inferRtl } from "../verify/rtl.ts";
import type { CRunner, RtlRunner } from "../verify/runners.ts";
import type { LoadedDesign } from "./load-build.ts";

export type Backend = "sim" | "c" | "rtl";

export interface RunOutput {
  readonly name: string;
  readonly role: OutputRole;
  readonly shape: readonly number[];
  /** value = mantissa * 2^-fraction; one, or one for each channel. */
  readonly fraction: number | readonly number[];
  /** Of a model whose file states its quantizers, in the place of `fraction`; a class has none. */
  readonly scale?: Scale;
  /** count x elements. */
  readonly mantissas: ArrayLike<number>;
}

/** Outputs of `count` inferences of every input, by its name; Verilog gives the outputs that its port carries. */
export async function runDesign(
  { program, manifest, files }: LoadedDesign,
  given: { readonly count: number; readonly inputs: ReadonlyMap<string, ArrayLike<number>> },
  backend: Backend,
  runners: { readonly c: CRunner; readonly rtl: RtlRunner },
): Promise<readonly RunOutput[]> {
  const { count } = given;
  const inputs = new Map([...given.inputs].map(([name, data]) => [name, Int32Array.from(data)]));
  const values = await run();
  return program.outputs.flatMap(({ name, value, role }) => {
    const mantissas = values.get(value);
    if (!mantissas) return [];
    const { shape, format } = valueNamed(program, value);
    const scale = role === "class" ? undefined : manifest.scales?.[value];
    return [{ name, role, shape, fraction: format.fraction, ...(scale ? { scale } : {}), mantissas }];
  });

  async function run(): Promise<ReadonlyMap<string, ArrayLike<number>>> {
    if (backend === "sim") return simulate(program, inputs, count).values;
    if (backend === "c") {
      if (!manifest.c) return fail("verify/not-in-design", { backend: "C" });
      return inferC({ program, manifest: manifest.c, files }, inputs, count, runners.c);
    }
    if (!manifest.rtl) return fail("verify/not-in-design", { backend: "Verilog" });
    return inferRtl({ program, manifest: manifest.rtl, files }, inputs, count, runners.rtl);
  }
}
