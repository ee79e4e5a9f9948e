// Units that are joined to a graph: branches that meet again, and links that cannot be.
import { describe, expect, it } from "vitest";
import { createConcat, createFork, createJoin } from "../../../schedule/units/branches.ts";
import { createNetwork, type Link } from "../../../schedule/units/network.ts";
import { createPipeline, createRegister } from "../../../schedule/units/pipeline.ts";
import { createFifo, createWindow } from "../../../schedule/units/storage.ts";
import type { Unit } from "../../../schedule/units/unit.ts";

const link = (from: number, port: number, to: number, at: number): Link => ({
  from: { unit: from, port },
  to: { unit: to, port: at },
});

/** Two branches from a fork to a join. */
function branches(one: Unit, other: Unit) {
  const units = [createFork(2), one, other, createJoin()];
  return createNetwork(units, [link(0, 0, 1, 0), link(0, 1, 2, 0), link(1, 0, 3, 0), link(2, 0, 3, 1)]);
}

/** Cycles in which beats leave when both sides are always willing. */
function ends(network: ReturnType<typeof createNetwork>, cycles: number): number[] {
  const willing = [true, true];
  const give: boolean[] = [];
  const found: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    network.step(willing, willing, [], give);
    if (give[0]) found.push(cycle);
  }
  return found;
}

describe("createNetwork", () => {
  it("has the open ends of its units", () => {
    const network = branches(createRegister(), createRegister());
    expect([network.inputs, network.outputs]).toEqual([1, 1]);
    const open = createNetwork([createConcat(1, 2), createFork(3)], [link(0, 0, 1, 0)]);
    expect([open.inputs, open.outputs]).toEqual([2, 3]);
  });

  it("moves a beat a cycle through branches of different length", () => {
    // Fork, seven registers, two of the join.
    const found = ends(branches(createPipeline(6, 1), createFifo(8)), 40);
    expect(found).toEqual(Array.from({ length: 30 }, (_, i) => i + 10));
  });

  it("slows down where the short branch cannot hold what the long one does", () => {
    const found = ends(branches(createPipeline(6, 1), createFifo(2)), 40);
    expect(found.length).toBeGreaterThan(5);
    expect(found.length).toBeLessThan(25);
  });

  it("stands still when a branch needs a packet that the other cannot hold", () => {
    expect(ends(branches(createWindow(8, 1), createFifo(5)), 200)).toEqual([]);
    expect(ends(branches(createWindow(8, 1), createFifo(8)), 200).length).toBeGreaterThan(150);
  });

  it("refuses loops and streams with two ends", () => {
    const two = [createRegister(), createRegister()];
    expect(() => createNetwork(two, [link(1, 0, 0, 0)])).toThrow(/back/);
    expect(() => createNetwork([...two, createRegister()], [link(0, 0, 1, 0), link(0, 0, 2, 0)])).toThrow(
      /output 0 of unit 0/,
    );
    expect(() => createNetwork(two, [link(0, 0, 1, 1)])).toThrow(/input 1 of unit 1/);
  });
});
