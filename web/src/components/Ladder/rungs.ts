// Every method with the usual savings, one on top of the other, as changes of a scenario.
import type { Scenario } from "../../engine/types";

export const methods = ["full", "lora", "qlora"];

/** Those that the engine computes: an optimizer in 8 bits is left out where it knows none. */
export function savingsWith(optimizers: string[]): { id: string; training: Record<string, string> }[] {
  const checkpointed = { optimizer: "adamw", crossEntropy: "full", checkpointing: "full" };
  const eight = optimizers.includes("adamw-8bit") ? { ...checkpointed, optimizer: "adamw-8bit" } : undefined;
  return [
    { id: "none", training: { ...checkpointed, checkpointing: "none" } },
    { id: "checkpointing", training: checkpointed },
    ...(eight ? [{ id: "eight", training: eight }] : []),
    { id: "fused", training: { ...(eight ?? checkpointed), crossEntropy: "fused" } },
  ];
}

/** All else stays as it is; what the weights are stored in is the method's. */
export function rung({ weights: _, ...scenario }: Scenario, method: string, training: Record<string, string>): Scenario {
  return { ...scenario, training: { ...scenario.training, ...training, method } };
}
