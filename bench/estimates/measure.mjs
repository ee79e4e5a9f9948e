// What Yosys, and for iCE40 nextpnr, make of designs. In: their Verilog, a target. Out: cells and Fmax. Several designs share one
// run of Yosys, which reads the cells of the target once; every design then goes through the passes of the target's own script.
import { readArea } from "../../dist/flow/area.js";
import { PLACE_FILES, placeArguments, readPlacement } from "../../dist/flow/nextpnr.js";
import { createRing, RING_MODULE } from "../../dist/flow/ring.js";

/** By synthesis pass: what reads its cells, and the label behind that. */
const BEGINNINGS = {
  synth_ice40: {
    cells: (options) => [
      `read_verilog -D ${options.includes("-device u") ? "ICE40_U" : "ICE40_HX"} -lib -specify +/ice40/cells_sim.v`,
    ],
    // `proc` belongs to the first label.
    first: ["proc"],
    label: "flatten",
  },
  synth_xilinx: {
    cells: () => [
      "read_verilog -lib -specify +/xilinx/cells_sim.v",
      "read_verilog -lib +/xilinx/cells_xtra.v",
    ],
    first: [],
    label: "prepare",
  },
  synth_ecp5: {
    cells: () => ["read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v"],
    first: [],
    label: "coarse",
  },
  synth_gowin: {
    cells: () => [
      "read_verilog -specify -lib +/gowin/cells_sim.v",
      "read_verilog -specify -lib +/gowin/cells_xtra_gw2a.v",
    ],
    first: [],
    label: "flatten",
  },
  synth_intel_alm: {
    cells: () => [
      ...["alm_sim", "dff_sim", "dsp_sim", "mem_sim", "misc_sim"].map(
        (n) => `read_verilog -specify -lib -D cyclonev +/intel_alm/common/${n}.v`,
      ),
      "read_verilog -specify -lib -D cyclonev -icells +/intel_alm/common/abc9_model.v",
      "read_verilog -lib +/intel/common/altpll_bb.v",
      "read_verilog -lib +/intel_alm/common/megafunction_bb.v",
    ],
    first: [],
    label: "coarse",
  },
};

const text = (bytes) => (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes));
const bare = (path) => path.slice(path.lastIndexOf("/") + 1);

/** Area of each design, and its Fmax if it is `timed`, by the placer of iCE40. */
export async function measure(designs, target, timed) {
  const { runYosys } = await import("@yowasp/yosys");
  const place = timed && target.flow.place?.tool === "nextpnr-ice40" ? target.flow.place : undefined;
  const [pass] = target.flow.synth.split(" ");
  const { cells, first, label } = BEGINNINGS[pass];
  const synth = (top) => [
    `hierarchy -check -top ${top}`,
    ...first,
    [target.flow.synth, ...target.flow.bare, `-top ${top} -run ${label}:`].join(" "),
  ];
  const lines = [...cells(target.flow.synth), "design -save cells"];
  const tree = {};
  for (const [k, { files, manifest }] of designs.entries()) {
    const { ring, core } = createRing(manifest);
    Object.assign(tree, { [`ring${k}.v`]: ring, [`core${k}.v`]: core });
    for (const path of manifest.memories) tree[`d${k}_${bare(path)}`] = files.get(path);
    for (const path of manifest.sources) {
      // Memory images of designs have the same names.
      const renamed = path.endsWith(`/${manifest.top}.v`)
        ? files.get(path).replace(/"(\w+\.mem)"/g, `"d${k}_$1"`)
        : files.get(path);
      tree[`d${k}_${bare(path)}`] = renamed;
    }
    lines.push("design -load cells");
    lines.push(...manifest.sources.map((path) => `read_verilog d${k}_${bare(path)}`));
    lines.push(...synth(manifest.top), `tee -q -o stat${k}.json stat -json`);
    if (!place) continue;
    lines.push(
      "design -save core",
      "design -load cells",
      `read_verilog core${k}.v ring${k}.v`,
      ...synth(RING_MODULE),
    );
    lines.push(`delete =${manifest.top}`, `design -copy-from core -as ${manifest.top} ${manifest.top}`);
    lines.push("flatten", "clean", `write_json ring${k}.json`);
  }
  tree["synth.ys"] = `${lines.join("\n")}\n`;
  const quiet = { stdout: () => {}, stderr: () => {} };
  const made = await runYosys(["-q", "-s", "synth.ys"], tree, quiet);
  const results = [];
  for (const [k, { manifest }] of designs.entries()) {
    const area = readArea(text(made[`stat${k}.json`]), target);
    if (area.uncounted.length > 0) throw new Error(`cells unknown: ${area.uncounted}`);
    const { used, cells: counted } = area;
    const fmaxMHz = place ? await fmaxOf(made[`ring${k}.json`], place, manifest, quiet) : undefined;
    results.push({ used, cells: counted, fmaxMHz });
  }
  return results;
}

async function fmaxOf(netlist, place, manifest, quiet) {
  const { runNextpnrIce40 } = await import("@yowasp/nextpnr-ice40");
  try {
    const files = { [PLACE_FILES.netlist]: netlist };
    const placed = await runNextpnrIce40(
      placeArguments(place, { seed: 1, clockMHz: manifest.clockMHz }),
      files,
      quiet,
    );
    return readPlacement(text(placed[PLACE_FILES.report]), place).fmaxMHz;
  } catch (error) {
    // A design that is too large for the part has no Fmax.
    if (error?.code === undefined) throw error;
    return null;
  }
}
