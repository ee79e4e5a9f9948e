// All boards, in the order in which they are listed to people.
import { artyA735 } from "./arty-a7-35.ts";
import type { Board } from "./board.ts";
import { hx8kEvn } from "./hx8k-evn.ts";
import { icebreaker } from "./icebreaker.ts";
import { tangPrimer20k } from "./tang-primer-20k.ts";
import { ulx3s } from "./ulx3s.ts";
import { upduino3 } from "./upduino3.ts";

export const BOARDS: readonly Board[] = [hx8kEvn, icebreaker, upduino3, ulx3s, artyA735, tangPrimer20k];

/** The board of a name, or undefined. */
export function boardNamed(name: string): Board | undefined {
  return BOARDS.find((board) => board.name === name);
}
