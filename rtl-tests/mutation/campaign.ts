// A campaign of mutants of one design. In: the design, how many, a seed, runners. Out: for every mutant whether the exactness gate
// finds it. A mutant that it does not find and that no proof excuses is a hole in the gate.
import { createRandom } from "../../compiler/support/random.ts";
import type { CauseClass } from "../../compiler/verify/result.ts";
import { type Design, type Runners, verifyDesign } from "../../compiler/verify/verify.ts";
import { codeFaults } from "./c-faults.ts";
import { arrayFaults, memoryFaults } from "./constant-faults.ts";
import { type Fault, type FaultKind, KINDS, NOT_IN } from "./fault.ts";
import { switchFaults } from "./verilog-faults.ts";

export type Backend = "rtl" | "c";

export type Verdict =
  /** The gate failed, as it has to. */
  | "killed"
  /** The gate passed, and a proof says that nothing could have failed. */
  | "equivalent"
  /** The gate passed. */
  | "survived"
  /** The changed text does not compile: no mutant, but a mistake in the lists of faults. */
  | "invalid";

export interface MutantResult {
  readonly id: string;
  readonly backend: "rtl" | "c";
  readonly kind: FaultKind;
  readonly place: string;
  readonly what: string;
  readonly verdict: Verdict;
  /** The gate's words, or the proof. */
  readonly reason: string;
  readonly causeClass?: CauseClass;
  readonly seconds: number;
}

export interface Subject {
  /** The design with every fault of its Verilog built in, none of them chosen. */
  readonly rtl: Design;
  readonly c: Design;
  readonly faults: readonly Fault[];
  readonly backends: readonly Backend[];
  /** Kinds that no place was found for, of those that the language has. */
  readonly without: readonly { readonly backend: "rtl" | "c"; readonly kind: FaultKind }[];
}

/** All faults of a design; of the many bits of its constants some, drawn by the seed. */
export function subjectOf(
  design: Design,
  seed: number,
  backends: readonly Backend[] = ["rtl", "c"],
): Subject {
  const random = createRandom(seed, "constants");
  const bits = 8;
  const switchable = backends.includes("rtl") && design.manifest.rtl ? switchFaults(design) : undefined;
  const hasC = backends.includes("c") && design.manifest.c !== undefined;
  const faults = [
    ...(switchable
      ? [...switchable.faults, ...memoryFaults(switchable.instances, design, random, bits, switchable.madeBy)]
      : []),
    ...(hasC ? [...codeFaults(design), ...arrayFaults(design, random, bits)] : []),
  ];
  const kinds = Object.keys(KINDS) as FaultKind[];
  const without = backends.flatMap((backend) =>
    kinds
      .filter((kind) => !NOT_IN[backend].includes(kind))
      .filter((kind) => !faults.some((fault) => fault.backend === backend && fault.kind === kind))
      .map((kind) => ({ backend, kind })),
  );
  return { rtl: switchable?.design ?? design, c: design, faults, backends, without };
}

/** About `count` faults, as many of each kind as there are: drawn by the seed. */
export function drawFaults({ faults }: Subject, count: number, seed: number): readonly Fault[] {
  const random = createRandom(seed, "draw");
  const groups = new Map<string, Fault[]>();
  const seen = new Set<string>();
  for (const fault of faults) {
    if (seen.has(fault.id)) continue;
    seen.add(fault.id);
    const name = `${fault.backend} ${fault.kind}`;
    groups.set(name, [...(groups.get(name) ?? []), fault]);
  }
  // In turn, so that what a small group does not use goes to the others.
  const queues = [...groups.values()].map((group) => shuffled(group, random));
  const drawn: Fault[] = [];
  while (drawn.length < count && queues.some((queue) => queue.length > 0))
    for (const queue of queues) {
      const fault = drawn.length < count ? queue.pop() : undefined;
      if (fault) drawn.push(fault);
    }
  return drawn;
}

function shuffled<T>(items: readonly T[], random: { integer(min: number, max: number): number }): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** The gate on one mutant. */
export async function judgeFault(
  subject: Subject,
  fault: Fault,
  runners: Runners,
  seed: number,
): Promise<MutantResult> {
  const start = performance.now();
  const isRtl = fault.backend === "rtl";
  const mutant = fault.apply(isRtl ? subject.rtl : subject.c);
  const result = await verifyDesign(
    mutant,
    undefined,
    { seed, without: [isRtl ? "c" : "rtl"], firstLook: true },
    runners,
  );
  const found = (isRtl ? result.rtl : result.c)!;
  const { id, backend, kind, place, what } = fault;
  const proof = found.status === "failed" ? undefined : await fault.proveEquivalent();
  const refused = /refuses the (C|Verilog)/.test(found.reason ?? "");
  return {
    id,
    backend,
    kind,
    place,
    what,
    verdict: refused
      ? "invalid"
      : found.status === "failed"
        ? "killed"
        : proof === undefined
          ? "survived"
          : "equivalent",
    reason: proof ?? found.reason ?? "",
    ...(found.causeClass === undefined ? {} : { causeClass: found.causeClass }),
    seconds: Math.round(performance.now() - start) / 1000,
  };
}

/** Whether the design without any fault passes: else nothing that follows means anything. */
export async function judgeOriginal(
  subject: Subject,
  runners: Runners,
  seed: number,
): Promise<string | undefined> {
  for (const backend of subject.backends) {
    const other = backend === "rtl" ? "c" : "rtl";
    const result = await verifyDesign(subject[backend], undefined, { seed, without: [other] }, runners);
    const found = result[backend]!;
    if (found.status === "failed") return found.reason;
  }
  return undefined;
}
