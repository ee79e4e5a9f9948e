// Instances of fixed modules in a generated top module. In: its text, the texts of the modules. Out: each instance with its
// parameters and the streams at its ports.

/** Parameters of an instance, numbers and strings without quotes; those that are not given have the module's default. */
export type Parameters = Readonly<Record<string, number | string>>;

export interface Instance {
  readonly module: string;
  readonly name: string;
  readonly parameters: Parameters;
  /** Port -> what is connected. */
  readonly ports: Readonly<Record<string, string>>;
}

function parameterOf(text: string): number | string {
  const quoted = /^"(.*)"$/.exec(text);
  if (quoted) return quoted[1]!;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Parameters as a module declares them; one whose default is an expression stays text. */
export function defaultsOf(text: string): Parameters {
  const head = text.slice(text.indexOf("#("), text.indexOf(") (", text.indexOf("#(")));
  return Object.fromEntries(
    [...head.matchAll(/parameter\s+(\w+)\s*=\s*("[^"]*"|[^,\n/]+?)\s*(?:,|\/\/|\n|$)/g)].map(
      ([, name, value]) => [name!, parameterOf(value!)],
    ),
  );
}

const pairsOf = (text: string): [string, string][] =>
  [...text.matchAll(/\.(\w+)\s*\(([^\n]*)\)(?:,|\s*$)/gm)].map(([, name, value]) => [name!, value!]);

/** Instances in the order of the text. */
export function instancesOf(top: string, moduleText: (module: string) => string): readonly Instance[] {
  return [...top.matchAll(/^ {2}(nf_\w+) #\(\n([\s\S]*?)\n {2}\) (\w+) \(\n([\s\S]*?)\n {2}\);/gm)].map(
    ([, module, parameters, name, ports]) => ({
      module: module!,
      name: name!,
      parameters: {
        ...defaultsOf(moduleText(module!)),
        ...Object.fromEntries(pairsOf(parameters!).map(([key, value]) => [key, parameterOf(value)])),
      },
      ports: Object.fromEntries(pairsOf(ports!)),
    }),
  );
}

/** Parameters that an instance hands to the module inside it. */
export function innerParameters(
  { parameters }: Pick<Instance, "parameters">,
  text: string,
  inner: string,
  innerText: string,
): Parameters {
  const body = new RegExp(`${inner} #\\(\\n([\\s\\S]*?)\\n *\\) \\w+ \\(`).exec(text)![1]!;
  const given = pairsOf(body).map(([key, value]) => [key, evaluate(value, parameters)] as const);
  return { ...defaultsOf(innerText), ...Object.fromEntries(given) };
}

/** An expression of parameters; what is made of more than names, numbers, * and / stays text. */
function evaluate(text: string, parameters: Parameters): number | string {
  const words = text.split(/\s*([*/])\s*/);
  let result: number | string = Number.NaN;
  for (let i = 0; i < words.length; i += 2) {
    const word = words[i]!;
    const value = parameters[word] ?? parameterOf(word);
    if (i === 0) {
      if (words.length === 1) return value;
      result = Number(value);
    } else {
      const left: number = Number(result);
      result = words[i - 1] === "*" ? left * Number(value) : Math.floor(left / Number(value));
    }
  }
  return Number.isNaN(result) ? text : result;
}
