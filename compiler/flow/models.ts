// Simulation models of a target's cells. In: Verilog as Yosys ships it. Out: which cells it says the behaviour of.

interface ModelText {
  readonly name: string;
  readonly body: string;
}

const MODULE = /(\(\*[^*]*\*\)\s*)?\bmodule\s+\\?([\w$]+)([\s\S]*?)\bendmodule\b/g;

/** Modules that are more than a name and ports. */
function describedModules(text: string): readonly ModelText[] {
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
  return [...plain.matchAll(MODULE)].flatMap(([, attribute = "", name, body]) =>
    /\bblackbox\b/.test(attribute)
      ? []
      : // Delays are no behaviour.
        [{ name: name!, body: body!.replace(/\bspecify\b[\s\S]*?\bendspecify\b/g, "") }],
  );
}

/** Cells that the models cannot stand for, of those in a netlist. */
export function cellsWithoutModel(cells: readonly string[], models: readonly string[]): readonly string[] {
  const described = describedModules(models.join("\n"));
  const names = new Set(described.map(({ name }) => name));
  const modelled = new Set(
    described
      .filter(
        ({ name, body }) =>
          /\b(assign|always|initial)\b/.test(body) ||
          [...body.matchAll(/[\w$]+/g)].some(([word]) => word !== name && names.has(word)),
      )
      .map(({ name }) => name),
  );
  return cells.filter((cell) => !modelled.has(cell));
}
