// Faults of a design's Verilog, all in one text: a word of a memory image says which of them is there, so that one simulator
// serves them all. In: a design. Out: the same design with its faults built in and none chosen, and the faults.
import { boundTaps } from "../../compiler/verify/force-wrapper.ts";
import type { Design } from "../../compiler/verify/verify.ts";
import { type Instance, innerParameters, instancesOf, type Parameters } from "../harness/instances.ts";
import { type Fault, textOf, withFile } from "./fault.ts";
import {
  INNER,
  labelsAround,
  MODULE_FAULTS,
  PARTS,
  type Ports,
  type Replacement,
  resetSpans,
  type Span,
  spanOf,
} from "./module-faults.ts";
import { proofOf } from "./proofs.ts";

/** Memory image whose one word is the number of the fault, 0 for none. */
const CHOICE_FILE = "nf_fault.mem";
const CHOICE = `  reg [31:0] nf_fault [0:0];
  initial $readmemh("${CHOICE_FILE}", nf_fault);
`;

export interface SwitchedDesign {
  readonly design: Design;
  readonly faults: readonly Fault[];
  readonly instances: readonly Instance[];
  /** Program value that an instance makes, where a tap watches it. */
  madeBy(instance: Instance): string | undefined;
}

/** Gives every instance its own copy of its module, with every fault of it behind a switch. */
export function switchFaults(design: Design): SwitchedDesign {
  const rtl = design.manifest.rtl!;
  const topPath = `rtl/${rtl.top}.v`;
  let top = textOf(design, topPath);
  const files = new Map(design.files);
  const sources: string[] = [];
  const faults: Fault[] = [];
  const taps = boundTaps(textOf(design, rtl.tapWrapper.file));
  const valueAt = (stream: string | undefined): string | undefined => {
    const index = taps.find((tap) => `${tap.stream}_data` === stream)?.index;
    return rtl.taps.find((tap) => tap.index === index)?.value;
  };
  const moduleText = (module: string): string => textOf(design, `rtl/${module}.v`);

  const copyOf = (module: string, parameters: Parameters, instance: Instance, within: string): string => {
    const name = `${module}_of_${instance.name}`;
    let text = switched(module, moduleText(module), parameters, instance.ports, (replacement) => {
      const number = faults.length + 1;
      const id = `rtl ${String(number).padStart(4, "0")}`;
      const value = valueAt(instance.ports.m_data);
      const { kind, what } = replacement;
      faults.push({
        id,
        backend: "rtl",
        kind,
        place: `${instance.name}${within}`,
        what,
        ...(value === undefined ? {} : { value }),
        apply: (switchable) => withFile(switchable, `rtl/${CHOICE_FILE}`, `${number.toString(16)}\n`),
        proveEquivalent: () =>
          proofOf(design, {
            module,
            parameters,
            instance,
            replacement,
            output: value,
            input: valueAt(inputOf(instance)),
          }),
      });
      return number;
    });
    text = text.replace(new RegExp(`^module ${module}\\b`, "m"), `module ${name}`);
    for (const { module: inner, when } of INNER[module] ?? []) {
      if (when && !when(parameters)) continue;
      const given = innerParameters({ parameters }, moduleText(module), inner, moduleText(inner));
      const copy = copyOf(inner, given, instance, ` (${inner})`);
      text = text.replaceAll(`${inner} #(`, `${copy} #(`);
    }
    files.set(`rtl/${name}.v`, text);
    sources.push(`rtl/${name}.v`);
    return name;
  };

  const instances = instancesOf(top, moduleText);
  for (const instance of instances) {
    const name = copyOf(instance.module, instance.parameters, instance, "");
    const head = new RegExp(
      `^ {2}${instance.module} #\\((\\n(?:(?!^ {2}nf_)[\\s\\S])*?\\n {2}\\) ${instance.name} \\()`,
      "m",
    );
    const before = top;
    top = top.replace(head, (_, rest: string) => `  ${name} #(${rest}`);
    if (top === before) throw new Error(`no instance ${instance.name} in ${topPath}`);
  }
  files.set(topPath, top);
  files.set(`rtl/${CHOICE_FILE}`, "0\n");
  const manifest = {
    ...design.manifest,
    rtl: {
      ...rtl,
      sources: [...rtl.sources.filter((path) => path !== topPath), ...sources, topPath],
      memories: [...rtl.memories, `rtl/${CHOICE_FILE}`],
    },
  };
  return {
    design: { ...design, manifest, files },
    faults,
    instances,
    madeBy: ({ ports }) => valueAt(ports.m_data),
  };
}

const inputOf = ({ ports }: Instance): string | undefined => ports.s_data ?? ports.a_data;

/** A module's text in which each faulty expression can take the place of the right one. */
function switched(
  module: string,
  text: string,
  parameters: Parameters,
  ports: Ports,
  numberOf: (replacement: Replacement) => number,
): string {
  const spans: (Span & { readonly faults: readonly Replacement[] })[] = [
    ...(MODULE_FAULTS[module] ?? []).map((place) => ({
      ...spanOf(module, text, place),
      faults: place.faults,
    })),
    ...resetSpans(text).map(({ register, ...span }) => ({
      ...span,
      faults: [
        { kind: "missing reset", to: register, what: `does not reset ${register}`, register } as const,
      ],
    })),
  ];
  const isThere = ({ start }: Span): boolean =>
    labelsAround(text, start).every((label) => PARTS[module]?.[label]?.(parameters) ?? true);
  let result = text;
  let any = false;
  for (const span of spans.filter(isThere).sort((a, b) => b.start - a.start)) {
    const own = span.faults.filter((fault) => fault.when?.(parameters, ports) ?? true);
    if (own.length === 0) continue;
    any = true;
    const right = text.slice(span.start, span.end);
    const choices = own.map((fault) => `(nf_fault[0] == 32'd${numberOf(fault)}) ? (${fault.to}) : `).join("");
    result = `${result.slice(0, span.start)}(${choices}(${right}))${result.slice(span.end)}`;
  }
  if (!any) return result;
  const head = result.indexOf(");\n", result.indexOf("\n) (")) + 3;
  return `${result.slice(0, head)}${CHOICE}${result.slice(head)}`;
}
