// Modules that change how many elements stand side by side: nf_input, nf_select, nf_lane_adapter.
import { createRegistered } from "./registered.ts";
import type { Unit } from "./unit.ts";

/** nf_input: `slots` beats make a word, packets have `beats` beats. */
export function createInput(beats: number, slots: number): Unit {
  let beat = 0;
  let slot = 0;
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: (receivers) => !valid || receivers[0]!,
    step: (take, give) => {
      if (give[0]) valid = false;
      if (!take[0]) return;
      const lastBeat = beat === beats - 1;
      const lastSlot = slot === slots - 1;
      valid = lastBeat || lastSlot;
      beat = lastBeat ? 0 : beat + 1;
      slot = lastBeat || lastSlot ? 0 : slot + 1;
    },
    quiet: (take, give) => {
      if (!take[0]) return give[0] ? 0 : Number.POSITIVE_INFINITY;
      // A word a beat, or beats of a word while none stands there.
      if (valid) return slots === 1 ? Number.POSITIVE_INFINITY : 0;
      return Math.min(slots - 1 - slot, beats - 1 - beat);
    },
    skip: (take, _, edges) => {
      if (!take[0]) return;
      beat = (beat + edges) % beats;
      if (slots > 1) slot += edges;
    },
    state: () => `${beat},${slot},${valid}`,
  };
}

/**
 * nf_select: `kept[beat]` elements of each beat, gathered into words of `wordLanes`. A beat waits in `depth` registers
 * first, at most one.
 */
export function createSelect(kept: readonly number[], wordLanes: number, depth = 1): Unit {
  let beat = 0;
  // The beat in the first register, -1 for none.
  let waiting = -1;
  let pending = 0;
  let flush = false;
  return createRegistered({
    fill: (taken) => {
      const entering = taken ? beat : -1;
      const inside = depth === 0 ? entering : waiting;
      const end = inside === kept.length - 1;
      const count = (flush ? 0 : pending) + (inside < 0 ? 0 : kept[inside]!);
      const more = count > wordLanes;
      const full = flush || (inside >= 0 && (end || more));
      if (inside >= 0 || flush) pending = inside < 0 || (end && !more) ? 0 : more ? count - wordLanes : count;
      flush = inside >= 0 && end && more;
      waiting = entering;
      if (taken) beat = beat === kept.length - 1 ? 0 : beat + 1;
      return full;
    },
    quiet: (taken, _, full) => (taken || full || flush || waiting >= 0 ? 0 : Number.POSITIVE_INFINITY),
    skip: () => {},
    state: () => `${beat},${waiting},${pending},${flush}`,
  });
}

/** nf_lane_adapter: packets of `elements`; both beat sizes meet after `group` of them. */
export function createAdapter(elements: number, sLanes: number, mLanes: number, group: number): Unit {
  const sBeats = Math.ceil(elements / sLanes);
  const mBeats = Math.ceil(elements / mLanes);
  const sSlots = Math.ceil(group / sLanes);
  const mSlots = Math.ceil(group / mLanes);
  let ahead = 0;
  let writeBeat = 0;
  let writeSlot = 0;
  let readBeat = 0;
  let readSlot = 0;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => ahead !== 0 || writeSlot * sLanes >= (readSlot + 1) * mLanes,
    ready: () => ahead !== 2,
    step: (take, give) => {
      if (take[0]) {
        const end = writeBeat === sBeats - 1;
        const groupEnd = end || writeSlot === sSlots - 1;
        writeBeat = end ? 0 : writeBeat + 1;
        writeSlot = groupEnd ? 0 : writeSlot + 1;
        if (groupEnd) ahead++;
      }
      if (give[0]) {
        const end = readBeat === mBeats - 1;
        const groupEnd = end || readSlot === mSlots - 1;
        readBeat = end ? 0 : readBeat + 1;
        readSlot = groupEnd ? 0 : readSlot + 1;
        if (groupEnd) ahead--;
      }
    },
    quiet: (take, give) => {
      if (take[0] && give[0]) return 0;
      // Up to the end of a group, and to the beat that completes the next one to leave or leaves too little for it.
      if (take[0]) {
        const toEnd = Math.min(sSlots - 1 - writeSlot, sBeats - 1 - writeBeat);
        const isValid = ahead !== 0 || writeSlot * sLanes >= (readSlot + 1) * mLanes;
        if (isValid) return toEnd;
        return Math.min(toEnd, Math.ceil(((readSlot + 1) * mLanes) / sLanes) - 1 - writeSlot);
      }
      if (!give[0]) return Number.POSITIVE_INFINITY;
      const toEnd = Math.min(mSlots - 1 - readSlot, mBeats - 1 - readBeat);
      return ahead !== 0 ? toEnd : Math.min(toEnd, Math.floor((writeSlot * sLanes) / mLanes) - 1 - readSlot);
    },
    skip: (take, give, edges) => {
      if (take[0]) {
        writeBeat += edges;
        writeSlot += edges;
      }
      if (give[0]) {
        readBeat += edges;
        readSlot += edges;
      }
    },
    state: () => `${ahead},${writeBeat},${writeSlot},${readBeat},${readSlot}`,
  };
}
