// Modules with several streams in or out: nf_output_pair with its nf_fork and nf_argmax, nf_forkn, nf_join, nf_concat; and
// an nf_meet for each of several.
import type { Unit } from "./unit.ts";

/** nf_fork, an nf_argmax and nf_output_pair together: logits of `beats` beats, then the class. */
export function createPair(argmax: Unit, beats: number): Unit {
  let beat = 0;
  let held = false;
  const [none, some] = [[false], [true]];
  return {
    inputs: 1,
    outputs: 1,
    valid: () => held,
    ready: (receivers) => (!held || receivers[0]!) && beat !== beats && argmax.ready(none, none, 0),
    step: (take, give) => {
      const second = beat === beats;
      const open = !held || give[0]!;
      const giveClass = argmax.valid(0) && open && second;
      const moved = second ? giveClass : take[0]!;
      argmax.step(take, giveClass ? some : none);
      if (!open) return;
      held = moved;
      if (moved) beat = second ? 0 : beat + 1;
    },
    // Nothing moves: at most the argmax goes on inside.
    quiet: (take, give) => {
      const isClassNext = beat === beats && argmax.valid(0) && !held;
      if (take[0] || give[0] || isClassNext || !argmax.quiet) return 0;
      return argmax.quiet(none, none);
    },
    skip: (_take, _give, edges) => argmax.skip!(none, none, edges),
    state: () => `${argmax.state()},${beat},${held}`,
  };
}

/** nf_forkn: one register that `count` receivers empty, each when it can. */
export function createFork(count: number): Unit {
  const pending = new Array<boolean>(count).fill(false);
  return {
    inputs: 1,
    outputs: count,
    valid: (output) => pending[output]!,
    ready: (receivers) => pending.every((held, k) => !held || receivers[k]!),
    step: (take, give) => {
      for (let k = 0; k < count; k++) if (take[0] || give[k]) pending[k] = take[0]!;
    },
    quiet: (take, give) => {
      const steady = take[0] ? pending.every((held) => held) : !give.includes(true);
      return steady ? Number.POSITIVE_INFINITY : 0;
    },
    skip: () => {},
    state: () => pending.map(Number).join(""),
  };
}

/** nf_join: a beat of a and one of b enter together; `depth` more registers, at most one, then the result. */
export function createJoin(depth = 1): Unit {
  let operands = false;
  let valid = false;
  return {
    inputs: 2,
    outputs: 1,
    valid: () => valid,
    ready: (receivers, offered, input) => (!valid || receivers[0]!) && offered[1 - input]!,
    step: (take, give) => {
      if (valid && !give[0]) return;
      valid = depth === 0 ? take[0]! : operands;
      operands = take[0]!;
    },
    quiet: (take, give) => {
      const frozen = valid && !give[0];
      const steady = valid === take[0] && (depth === 0 || operands === take[0]);
      return frozen || steady ? Number.POSITIVE_INFINITY : 0;
    },
    skip: () => {},
    state: () => `${operands},${valid}`,
  };
}

/** nf_concat: in turn `aBeats` beats of a and `bBeats` of b. */
export function createConcat(aBeats: number, bBeats: number): Unit {
  let beat = 0;
  let valid = false;
  return {
    inputs: 2,
    outputs: 1,
    valid: () => valid,
    ready: (receivers, _, input) => (!valid || receivers[0]!) && beat < aBeats === (input === 0),
    step: (take, give) => {
      if (valid && !give[0]) return;
      valid = take[0]! || take[1]!;
      if (valid) beat = beat === aBeats + bBeats - 1 ? 0 : beat + 1;
    },
    quiet: (take, give) => {
      const taken = take[0]! || take[1]!;
      if (!taken) return valid && give[0] ? 0 : Number.POSITIVE_INFINITY;
      return valid ? (beat < aBeats ? aBeats : aBeats + bBeats) - 1 - beat : 0;
    },
    skip: (take, _, edges) => {
      if (take[0] || take[1]) beat += edges;
    },
    state: () => `${beat},${valid}`,
  };
}

/** An nf_meet for each of several streams in packets of `words` words. */
export function createMeet(words: readonly number[]): Unit {
  const word = words.map(() => 0);
  const valid = words.map(() => false);
  const atEnd = (k: number): boolean => word[k] === words[k]! - 1;
  return {
    inputs: words.length,
    outputs: words.length,
    valid: (output) => valid[output]!,
    ready: (receivers, offered, input) => {
      const free = (k: number): boolean => !valid[k] || receivers[k]!;
      return free(input) && (!atEnd(input) || words.every((_, k) => offered[k]! && atEnd(k) && free(k)));
    },
    step: (take, give) => {
      for (let k = 0; k < words.length; k++) {
        if (valid[k] && !give[k]) continue;
        valid[k] = take[k]!;
        if (take[k]) word[k] = atEnd(k) ? 0 : word[k]! + 1;
      }
    },
    quiet: (take, give) => {
      let edges = Number.POSITIVE_INFINITY;
      for (let k = 0; k < words.length; k++) {
        if (take[k]) edges = Math.min(edges, valid[k] ? words[k]! - 2 - word[k]! : 0);
        else if (give[k]) return 0;
      }
      return edges;
    },
    skip: (take, _, edges) => {
      for (let k = 0; k < words.length; k++) if (take[k]) word[k]! += edges;
    },
    state: () => `${word},${valid}`,
  };
}
