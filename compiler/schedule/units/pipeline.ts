// Registers in a row that move together: nf_requantize, nf_threshold, nf_dense, nf_argmax and others of their kind.
import type { Unit } from "./unit.ts";

/** One register. */
export function createRegister(): Unit {
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: (receivers) => !valid || receivers[0]!,
    step: (take, give) => {
      if (!valid || give[0]) valid = take[0]!;
    },
    state: () => `${valid}`,
  };
}

/** `depth` stages before the result register; one result per `fold` beats. */
export function createPipeline(depth: number, fold: number): Unit {
  // Per stage: 0 empty, 1 a beat, 2 the last beat of a result. A ring, so that a step moves no elements.
  const stages = new Uint8Array(depth);
  let head = 0;
  let beat = 0;
  let done = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => done,
    ready: (receivers) => !done || receivers[0]!,
    step: (take, give) => {
      if (done && !give[0]) return;
      const entering = take[0] ? (beat === fold - 1 ? 2 : 1) : 0;
      done = (depth === 0 ? entering : stages[head]) === 2;
      if (depth > 0) {
        stages[head] = entering;
        head = head === depth - 1 ? 0 : head + 1;
      }
      if (take[0]) beat = beat === fold - 1 ? 0 : beat + 1;
    },
    state: () => {
      const inOrder = [...stages.subarray(head), ...stages.subarray(0, head)];
      return `${inOrder.join("")},${beat},${done}`;
    },
  };
}
