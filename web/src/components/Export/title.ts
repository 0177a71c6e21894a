import type { Answer } from "../../engine/types";
import { shortCountText } from "../../format/counts";
import { wordName } from "../../text/words";

/** Which model an answer is about, as short as it can be said. */
export function modelName({ scenario, parameters }: Answer): string {
  const { id, config } = scenario.model;
  const named = typeof config?._name_or_path === "string" ? config._name_or_path : String(config?.model_type ?? config?._class_name ?? "");
  return id ?? `${named || "model"} (${shortCountText(parameters.total)})`;
}

export function titleOf(answer: Answer): string {
  const { task, engine, weights } = answer.scenario;
  return `${modelName(answer)}: ${wordName(task ?? "")}, ${wordName(engine?.name ?? "")}${weights ? `, ${weights}` : ""}`;
}
