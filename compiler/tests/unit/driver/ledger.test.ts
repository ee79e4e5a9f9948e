// The capacity ledger of a trained graph as the report has it.
import { describe, expect, it } from "vitest";
import { outcomeFacts, pruningFacts } from "../../../driver/capacity-text.ts";
import { accountsOf, plainOutcome } from "../../../driver/ledger.ts";
import { classifier, regression } from "./small-trained.ts";

describe("accountsOf", () => {
  it("accounts for every layer's share, information and ranges", () => {
    const [fc1, fc2] = accountsOf(classifier);
    expect([fc1!.bitOperations, fc2!.bitOperations]).toEqual([120, 180]);
    expect([fc1!.share, fc2!.share]).toEqual([0.4, 0.6]);
    expect(fc1!.activations).toMatchObject({ min: 0, max: 0.75, elements: 4, informationBits: 4 });
    expect(fc1!.weights).toMatchObject({ min: -0.5, max: 0.375, alpha: 0.1, residueRms: 0.09, snrBits: 2 });
    expect(fc1!.pruned).toEqual({
      inputs: 2,
      constantInputs: 1,
      allocatedInputs: 0,
      outputs: 0,
      allocatedOutputs: 0,
      weights: 10,
      bitOperations: 60,
      constantBitOperations: 30,
      allocatedBitOperations: 0,
    });
  });

  it("takes the widest channel's range, and no information where nothing varies", () => {
    const [layer] = regression.layers;
    const quiet = { ...layer!.activationNoise, std: 0, varyingSnrBits: null };
    const bipolar = { kind: "bipolar", signed: false, width: 1, fraction: [3, 1] } as const;
    const trained = { ...regression, layers: [{ ...layer!, activationNoise: quiet, weightFormat: bipolar }] };
    const [account] = accountsOf(trained);
    expect(account!.weights).toMatchObject({ kind: "bipolar", min: -0.5, max: 0.5, fraction: [3, 1] });
    expect(account!.activations).toMatchObject({ varyingSnrBits: null, informationBits: 0 });
  });
});

describe("facts of the network", () => {
  it("name each limit with what was reached, in words", () => {
    const outcome = {
      ...plainOutcome(regression),
      limits: [
        { limit: "bitOperations", asked: 60_000, reached: 59_000 },
        { limit: "meanWeightBits", asked: 2.5, reached: 2.25 },
      ],
    };
    expect(outcomeFacts(outcome, true).map((f) => [f.value, f.because])).toEqual([
      ["budget", "bound by bitOperations: 99.0 % of the limit is used"],
      ["59,000 of 60,000 bit operations", "98.3 % of what was asked"],
      ["2.25 of 2.50 bits per weight", "90.0 % of what was asked"],
    ]);
  });

  it("tell what is below its noise from what was constant and from what bit allocation took", () => {
    const [first, last] = accountsOf(classifier);
    const pruned = {
      ...first!.pruned,
      inputs: 9,
      constantInputs: 1,
      allocatedInputs: 3,
      outputs: 4,
      allocatedOutputs: 2,
      bitOperations: 6000,
      constantBitOperations: 500,
      allocatedBitOperations: 1500,
    };
    expect(pruningFacts([{ ...first!, pruned }, last!], [])).toEqual([
      {
        what: "pruned",
        value: "5 inputs, 2 units: 4,000 bit operations saved",
        because: "their signal does not stand above its noise",
      },
      {
        what: "taken",
        value: "3 inputs, 2 units: 1,500 bit operations saved",
        because: "above their noise, but the weakest: bit allocation took them to meet the bound",
      },
      {
        what: "constant",
        value: "1 inputs: 500 bit operations saved",
        because: "they are the same in every training sample",
      },
    ]);
    expect(pruningFacts([first!, last!], []).map((f) => f.what)).toEqual(["pruned", "constant"]);
  });

  it("name the layers that went with their branches", () => {
    const removed = [
      { name: "left1", weights: 576, macs: 112896, bitOperations: 1000 },
      { name: "left2", weights: 576, macs: 112896, bitOperations: 2500 },
    ];
    expect(pruningFacts(accountsOf(regression), removed)).toEqual([
      {
        what: "removed",
        value: "left1, left2: 3,500 bit operations saved",
        because: "nothing at the end of their branch stands above its noise",
      },
    ]);
  });

  it("are silent where nothing was pruned", () => {
    expect(pruningFacts(accountsOf(regression), [])).toEqual([]);
  });
});
