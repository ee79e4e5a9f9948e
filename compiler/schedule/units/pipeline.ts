// Registers in a row that move together: nf_requantize, nf_threshold, nf_dense, nf_argmax and others of their kind.
import { createRegistered } from "./registered.ts";
import type { Unit } from "./unit.ts";

/** One register. */
export function createRegister(): Unit {
  return createRegistered({ fill: (taken) => taken, state: () => "" });
}

/** `depth` stages before the result register; one result per `fold` beats, of each of `turns` that come in turn. */
export function createPipeline(depth: number, fold: number, turns = 1): Unit {
  // Per stage: 0 empty, 1 a beat, 2 the last beat of a result. A ring, so that a step moves no elements.
  const stages = new Uint8Array(depth);
  let head = 0;
  let beat = 0;
  let turn = 0;
  return createRegistered({
    fill: (taken) => {
      const entering = taken ? (beat === fold - 1 ? 2 : 1) : 0;
      const leaving = depth === 0 ? entering : stages[head];
      if (depth > 0) {
        stages[head] = entering;
        head = head === depth - 1 ? 0 : head + 1;
      }
      if (taken) turn = turn === turns - 1 ? 0 : turn + 1;
      if (taken && turn === 0) beat = beat === fold - 1 ? 0 : beat + 1;
      return leaving === 2;
    },
    state: () => {
      const inOrder = [...stages.subarray(head), ...stages.subarray(0, head)];
      return `${inOrder.join("")},${beat},${turn}`;
    },
  });
}
