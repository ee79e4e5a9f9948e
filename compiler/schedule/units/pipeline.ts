// Registers in a row that move together: nf_requantize, nf_threshold, nf_dense, nf_argmax and others of their kind.
import { compilerAssert } from "../../support/assert.ts";
import { createRegistered } from "./registered.ts";
import type { Unit } from "./unit.ts";

/** One register. */
export function createRegister(): Unit {
  return createPipeline(0, 1);
}

/**
 * `depth` stages, fewer than 32, before the result register; one result per `fold` beats, of each of `turns` that come in
 * turn.
 */
export function createPipeline(depth: number, fold: number, turns = 1): Unit {
  compilerAssert(depth < 32, "a pipeline has fewer than 32 stages");
  // The stages that hold the last beat of a result, by bit; others do not show.
  let results = 0;
  // Beats of all turns: the last one of each makes a result.
  const period = fold * turns;
  const first = period - turns;
  let beat = 0;
  const last = depth === 0 ? 0 : 1 << (depth - 1);
  const every = 2 ** depth - 1;
  return createRegistered({
    fill: (taken) => {
      const entering = taken && beat >= first;
      const leaving = depth === 0 ? entering : (results & last) !== 0;
      results = ((results << 1) | Number(entering)) & every;
      if (taken) beat = beat === period - 1 ? 0 : beat + 1;
      return leaving;
    },
    quiet: (taken, _, full) => {
      if (full) return fold === 1 && taken && results === every ? Number.POSITIVE_INFINITY : 0;
      // The oldest result inside, else the next one to enter.
      if (results !== 0) return depth - 32 + Math.clz32(results);
      return taken ? Math.max(0, first - beat) + depth : Number.POSITIVE_INFINITY;
    },
    skip: (taken, edges) => {
      results = edges < depth ? (results << edges) & every : 0;
      if (!taken) return;
      // What enters with the k-th last of these edges is k stages on.
      const end = (beat + edges) % period;
      for (let ago = 0; ago < Math.min(edges, depth); ago++) {
        const entered = (((end - 1 - ago) % period) + period) % period;
        if (entered >= first) results |= 1 << ago;
      }
      beat = end;
    },
    state: () => `${results},${beat}`,
  });
}
