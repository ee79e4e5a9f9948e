// The bench with a model of the control logic in place of a module. In: the model and how many beats go into each of
// its streams. Out: the cycles in which beats are taken from it.
import { createNetwork } from "../../compiler/schedule/units/network.ts";
import type { Unit } from "../../compiler/schedule/units/unit.ts";

/** Idle of sources and sinks in 256ths. */
export const PASSES = [
  [0, 0],
  [96, 96],
  [0, 180],
  [180, 0],
] as const;

/** Cycles without a beat after which nothing more will come. */
const PATIENCE = 4000;

/** The choices of bench-driver.cpp. */
function idle(chance: number, cycle: number, stream: number, pass: number): boolean {
  let x = (Math.imul(cycle, 0x9e3779b1) + Math.imul(stream, 0x85ebca6b) + Math.imul(pass, 0xc2b2ae35)) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) >>> 0;
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39) >>> 0;
  return ((x >>> 16) & 255) < chance;
}

/** Per output the cycles in which its beats are taken; streams have the bench's numbers from the given ones on. */
export function modelCycles(
  unit: Unit,
  beats: readonly number[],
  pass: number,
  firstSource: number,
  firstSink: number,
): readonly (readonly number[])[] {
  const [sourceIdle, sinkIdle] = PASSES[pass]!;
  const network = createNetwork([unit], []);
  const left = [...beats];
  const offered = beats.map(() => false);
  const receivers = new Array<boolean>(unit.outputs).fill(false);
  const take: boolean[] = [];
  const give: boolean[] = [];
  const cycles: number[][] = receivers.map(() => []);
  for (let cycle = 0, moved = 0; cycle - moved < PATIENCE; cycle++) {
    network.step(offered, receivers, take, give);
    for (const [i, stands] of offered.entries()) {
      if (stands && !take[i]) continue;
      offered[i] = left[i]! > 0 && !idle(sourceIdle, cycle, firstSource + i, pass);
      if (!offered[i]) continue;
      left[i]!--;
      moved = cycle;
    }
    for (const o of receivers.keys()) {
      if (give[o]) {
        cycles[o]!.push(cycle);
        moved = cycle;
      }
      receivers[o] = !idle(sinkIdle, cycle, firstSink + o, pass);
    }
  }
  return cycles;
}
