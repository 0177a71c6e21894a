import { axolotl } from "./axolotl";
import { deepspeed } from "./deepspeed";
import { llamaFactory } from "./llama_factory";
import { megatron } from "./megatron";
import type { Tool } from "./tool";
import { torchtune } from "./torchtune";
import { trainer } from "./trainer";

/** In the order in which they are recognised: keys that several have come last. */
export const tools: Tool[] = [torchtune, axolotl, llamaFactory, deepspeed, megatron, trainer];
