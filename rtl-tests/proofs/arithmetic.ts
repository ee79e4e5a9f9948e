// Claims about modules that compute, for the parameters that a design has them with. In: its instances of fixed modules.
// Out: claims for `unproved`.
import type { Instance, Parameters } from "../harness/instances.ts";
import type { Claim } from "./prove.ts";

/** Claims about the modules of a design that requantize and multiply and add, without those that come twice. */
export function claimsOf(instances: readonly Pick<Instance, "module" | "parameters">[]): readonly Claim[] {
  const all = instances.flatMap((instance): Claim[] => {
    switch (instance.module) {
      case "nf_requantize":
        return [requantizeClaim(instance.parameters)];
      case "nf_requantize_channels":
        return [channelsClaim(instance.parameters)];
      case "nf_dense":
        return [productClaim(instance.parameters), sumsClaim(instance.parameters)];
      default:
        return [];
    }
  });
  return [...new Map(all.map((claim) => [claim.name, claim])).values()];
}

/** Those named, where they are given; all of them are integers. */
function some(parameters: Parameters, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    names.flatMap((name) => (name in parameters ? [[name, Number(parameters[name])]] : [])),
  );
}

function nameOf(what: string, parameters: Parameters): string {
  return `${what} ${Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}`;
}

const FORMATS = ["IN_WIDTH", "IN_SIGNED", "OUT_WIDTH", "OUT_SIGNED", "ROUNDING", "RELU"];
const OPERANDS = ["X_WIDTH", "X_KIND", "W_WIDTH", "W_KIND", "IN_LOGIC"];

/** y = saturate(activation(round(x / 2^SHIFT))) for every x. */
export function requantizeClaim(given: Parameters): Claim {
  const parameters = some(given, [...FORMATS, "SHIFT"]);
  return {
    name: nameOf("requantize", parameters),
    module: "requantize",
    parameters,
    claims: ["rounded", "requantize"],
    modules: ["nf_requantize"],
    cycles: 2,
  };
}

/** The same for every shift that the memory may hold. */
export function channelsClaim(given: Parameters): Claim {
  const parameters = some(given, [...FORMATS, "LEFT", "SHIFT_BITS"]);
  return {
    name: nameOf("requantize_channels", parameters),
    module: "requantize_channels",
    parameters,
    claims: ["rounded", "requantize_channels"],
    modules: ["nf_requantize_channels"],
    cycles: 3,
  };
}

/** One lane of a MAC array: the product of any two operands. */
export function productClaim(given: Parameters): Claim {
  const parameters = some(given, OPERANDS);
  return {
    name: nameOf("product", parameters),
    module: "product",
    parameters,
    claims: ["product"],
    modules: ["nf_dot"],
    cycles: 2,
  };
}

const WIRE = "\\module_under_proof.node";

/**
 * The tree of nf_dot adds up SIMD products, whatever those are, where the sum fits ACC_WIDTH bits: products are cut off from
 * their multipliers. Each is what `productClaim` speaks of, so that both together are about the dot product.
 */
export function sumsClaim(given: Parameters): Claim {
  const parameters = some(given, ["SIMD", "X_WIDTH", "X_KIND", "W_WIDTH", "W_KIND", "ACC_WIDTH"]);
  const { SIMD = 1, X_WIDTH = 8, X_KIND = 0, W_WIDTH = 4, W_KIND = 1, ACC_WIDTH = 16 } = parameters;
  const isCounting = X_KIND === 2 && W_KIND === 2;
  // As wide as the register that nf_dot has for a product.
  const extended = (width: number, kind: number, other: number): number =>
    kind === 2 ? 1 : width + (kind === 1 && other !== 2 ? 0 : 1);
  const [x, w] = [extended(X_WIDTH, X_KIND, W_KIND), extended(W_WIDTH, W_KIND, X_KIND)];
  const width = isCounting ? 1 : X_KIND === 2 ? w : W_KIND === 2 ? x : x + w;
  const levels = Math.ceil(Math.log2(SIMD));
  const frame = Math.max(width + levels, ACC_WIDTH) + 3;
  const lanes = Array.from({ length: SIMD }, (_, n) => n);
  const high = isCounting ? `1'b0` : `product_N[${width - 1}]`;
  const extend = (n: number): string => `{{${frame - width}{${high.replace("_N", `_${n}`)}}}, product_${n}}`;
  // Addition in the wide frame is associative: the definition may add in any order.
  const added = (from: number, to: number): string => {
    if (to - from === 1) return extend(from);
    const middle = from + 2 ** (Math.ceil(Math.log2(to - from)) - 1);
    return `(${added(from, middle)} + ${added(middle, to)})`;
  };
  const depths = Array.from({ length: levels }, (_, d) => d + 1);
  const total = isCounting ? `(${added(0, SIMD)}) << 1` : added(0, SIMD);
  const text = `// The sum of ${SIMD} integers of ${width} bits in ${ACC_WIDTH} bits.
module sums (input wire aclk);
${lanes.map((n) => `  (* hierconn *) wire [${width - 1}:0] ${WIRE}[${n}].leaf.product ;`).join("\n")}
${lanes.map((n) => `  wire [${width - 1}:0] product_${n} = ${WIRE}[${n}].leaf.product ;`).join("\n")}
  wire [${ACC_WIDTH - 1}:0] sum;
  wire [${SIMD * X_WIDTH - 1}:0] x = $anyseq;
  wire [${SIMD * W_WIDTH - 1}:0] w = $anyseq;
  nf_dot #(
      .SIMD(${SIMD}), .X_WIDTH(${X_WIDTH}), .X_KIND(${X_KIND}), .W_WIDTH(${W_WIDTH}), .W_KIND(${W_KIND}), .SUM_WIDTH(${ACC_WIDTH})
  ) module_under_proof (.aclk(aclk), .move(1'b1), .x(x), .w(w), .used({${SIMD}{1'b1}}), .sum(sum));

  wire signed [${frame - 1}:0] total = ${total};
  wire fits = &total[${frame - 1}:${ACC_WIDTH - 1}] || !(|total[${frame - 1}:${ACC_WIDTH - 1}]);
  always @* assume (fits);

  // The sum comes a cycle later for every level of adders.
  reg [${levels}:0] started = 1;
  always @(posedge aclk) started <= {started, 1'b1};
  wire signed [${frame - 1}:0] total_0 = total;
${depths.map((d) => `  reg signed [${frame - 1}:0] total_${d};\n  always @(posedge aclk) total_${d} <= total_${d - 1};\n`).join("")}
  always @* if (started[${levels}]) assert (sum == total_${levels}[${ACC_WIDTH - 1}:0]);
endmodule
`;
  return {
    name: nameOf("sums", parameters),
    module: "sums",
    text,
    modules: ["nf_dot"],
    cycles: levels + 1,
    cut: "w:*leaf.product",
  };
}
