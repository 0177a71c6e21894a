// Texts of commands: written for the scenario, and read back.

export const written = "Start it like this";
export const writtenAs = "Written for";
export const copy = "Copy";
export const copied = "Copied";
export const notCopied = "The browser did not allow copying.";
export const none = (engine: string) => `Nothing can be written for ${engine}: llama.cpp, Ollama, vLLM, SGLang and TensorRT-LLM have a command, and training has arguments and files of its tools.`;
export const read = "Read a command";
export const readHint = "Paste a command that starts llama-server, Ollama (or a Modelfile), vllm serve, sglang.launch_server or trtllm-serve, arguments of the Trainer and LoraConfig (Python, YAML or JSON), or a file of axolotl, LLaMA-Factory, torchtune or DeepSpeed, or Megatron-LM's arguments; it becomes the scenario above.";
export const use = "Use it";
export const done = "The scenario above is now this command's.";

export const tooLong = "This is too long for a command.";
export const unknownCommand = "This starts none of llama-server, llama-cli, ollama, vllm serve, sglang.launch_server and trtllm-serve, and holds no arguments of the Trainer.";
export const noModel = "The command names no model.";
export const wholeContext = "The command names no length, so the engine would take all that the model was made for; here the length is the default.";
export const ollamaContext = "No num_ctx and no OLLAMA_CONTEXT_LENGTH: Ollama would take 4096 tokens, 32,768 from 23 GiB of GPU memory in all, 262,144 from 47 GiB; here the length is the default.";
export const ollamaType = "The name does not say the file's type: “ollama show” prints it as quantization, and it is set under weights.";
export const ollamaUnsaid = (options: string[]) => `Ollama has nothing to say ${options.join(", ")} with.`;
export const ignored = (flags: string[]) => `Passed over, since they change no memory that is counted here: ${flags.join(", ")}.`;
export const unsaid = (options: string[]) => `The command has no flag for ${options.join(", ")}.`;
export const quantised = (format: string) => `The checkpoint has to be stored in ${format}.`;
export const loadedIn = (dtype: string) => `The model is loaded with dtype=torch.${dtype}.`;
export const noOptimizer = (name: string) => `The optimizer ${name} has no name on both sides.`;
