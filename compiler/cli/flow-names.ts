// Everything that a build directory may have a flow for, by the name of its folder: targets, then boards.
import { BOARDS, boardNamed } from "../boards/boards.ts";
import { TARGETS, targetNamed } from "../targets/targets.ts";

export const FLOW_NAMES: readonly string[] = [...TARGETS, ...BOARDS].map(({ name }) => name);

/** For people, such as Lattice iCE40 HX8K. */
export function flowTitle(name: string): string {
  return (targetNamed(name) ?? boardNamed(name))?.title ?? name;
}
