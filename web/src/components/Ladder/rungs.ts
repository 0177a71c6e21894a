// Every method with the usual savings, one on top of the other, as changes of a scenario.
import type { Scenario } from "../../engine/types";

export const methods = ["full", "lora", "qlora"];

const plain = { checkpointing: "none", optimizer: "adamw", crossEntropy: "full" };

export const savings: { id: string; training: Record<string, string> }[] = [
  { id: "none", training: plain },
  { id: "checkpointing", training: { ...plain, checkpointing: "full" } },
  { id: "eight", training: { ...plain, checkpointing: "full", optimizer: "adamw-8bit" } },
  { id: "fused", training: { checkpointing: "full", optimizer: "adamw-8bit", crossEntropy: "fused" } },
];

const adapters = { rank: 16, targets: ["all-linear"] };

/** All else stays as it is; what the weights are stored in is the method's. */
export function rung({ weights: _, ...scenario }: Scenario, method: string, training: Record<string, string>): Scenario {
  const { lora = adapters, ...before } = scenario.training ?? {};
  return { ...scenario, training: { ...before, ...training, method, ...(method !== "full" && { lora }) } };
}
