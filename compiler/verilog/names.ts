// Names that reach Verilog, file names and comments. In: any text of the user's. Out: legal identifiers, unique
// without regard to case, and printable one-line text. No other file makes a name.
import { hashSeed } from "../support/random.ts";

/** Longest stem made of a user's text; suffixes such as `_weights` come on top and stay below 64. */
const STEM_LENGTH = 40;

/** IEEE 1364-2005 and IEEE 1800-2017 keywords. */
const KEYWORDS = `accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config
const constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect
export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global highz0
highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input inside
instance int integer interconnect interface intersect join join_any join_none large let liblist library local localparam
logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor noshowcancelled not
notif0 notif1 null or output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime
ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
s_until s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify specparam static
string strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this
throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique
unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1
while wildcard wire with within wor xnor xor`;

/** Words that tools around Verilog take for their own: C++ of a Verilator model, and VHDL in mixed projects. */
const FOREIGN_WORDS = `asm auto bool catch char delete double entity explicit false float friend goto inline long main
mutable namespace operator private public register short signal sizeof std switch template throw true try typename using
volatile architecture component`;

/** Device names that some file systems keep for themselves, with any extension. */
const DEVICES =
  "con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9";

const RESERVED: ReadonlySet<string> = new Set(`${KEYWORDS} ${FOREIGN_WORDS} ${DEVICES}`.split(/\s+/));

/**
 * A legal stem of any text: letters, digits and single underscores, a letter first, at most 40 characters, no reserved
 * word, not beginning like the fixed modules. `fallback` stands in for a text that has no legal character.
 */
export function legalStem(text: string, fallback: string): string {
  let stem = text.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  if (stem === "") stem = fallback;
  if (!/^[A-Za-z]/.test(stem)) stem = `${fallback}_${stem}`;
  if (RESERVED.has(stem.toLowerCase()) || /^nf_/i.test(stem)) stem = `${fallback}_${stem}`;
  if (stem.length > STEM_LENGTH) {
    const digest = (hashSeed(text) >>> 0).toString(16).padStart(8, "0");
    stem = `${stem.slice(0, STEM_LENGTH - 9).replace(/_+$/, "")}_${digest}`;
  }
  return stem;
}

/** Hands out names of one name space, such as a module's identifiers or a folder's files. */
export interface NameSpace {
  /** `stem` itself, or with the first free number behind it, so that no name of `stem` + suffix is taken. */
  take(stem: string, suffixes?: readonly string[]): string;
}

/** An empty name space; `taken` are names that are in it already. Case does not tell names apart. */
export function createNameSpace(taken: readonly string[] = []): NameSpace {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  return {
    take: (stem, suffixes = [""]) => {
      for (let n = 1; ; n++) {
        const candidate = n === 1 ? stem : `${stem}_${n}`;
        const names = suffixes.map((suffix) => `${candidate}${suffix}`.toLowerCase());
        if (names.some((name) => used.has(name) || RESERVED.has(name))) continue;
        for (const name of names) used.add(name);
        return candidate;
      }
    },
  };
}
