// What each engine's own log and tools call the figures.
import type { Device } from "../engine/types";

export interface FigureNotes {
  allocated: string;
  reserved: string;
  /** By id of a part. */
  parts: Record<string, string>;
}

const torch: FigureNotes = {
  allocated: "what torch.cuda.max_memory_allocated says",
  reserved: "what torch.cuda.max_memory_reserved says",
  parts: {},
};

const exllama: FigureNotes = {
  allocated: "weights, cache and one layer of it unpacked, without the step's own tensors",
  reserved: "with PyTorch's allocator",
  parts: {},
};

const engines: Record<string, FigureNotes> = {
  diffusers: { ...torch, allocated: "what torch.cuda.max_memory_allocated says after the pipeline's call" },
  "llama.cpp": {
    allocated: "the buffer sizes of its log, added up",
    reserved: "its buffers, as it asks the driver for them",
    parts: { weights: "model buffer size", "kv-cache": "KV buffer size", "recurrent-state": "RS buffer size", workspace: "compute buffer size" },
  },
  vllm: {
    allocated: "weights, pool and the full step that it profiles",
    reserved: "with PyTorch's allocator and its CUDA graphs",
    parts: { weights: "“Model loading took”", "kv-cache": "“Available KV cache memory”" },
  },
  sglang: {
    allocated: "weights, pool and a full step",
    reserved: "with PyTorch's allocator and its CUDA graphs",
    parts: { weights: "“Load weight end”, mem usage", "kv-cache": "“KV Cache is allocated”, K size and V size", "recurrent-state": "“Mamba Cache is allocated”" },
  },
  "tensorrt-llm": {
    allocated: "weights, pool and a full step",
    reserved: "with PyTorch's allocator",
    parts: { "kv-cache": "“Allocated … GiB for max tokens in paged KV cache”" },
  },
  mlx: {
    allocated: "weights and cache, without the step's own tensors",
    reserved: "as allocated: MLX's kept buffers are not known",
    parts: {},
  },
  exllamav2: exllama,
  exllamav3: exllama,
};

export const figureNotes = (engine = ""): FigureNotes => (Object.hasOwn(engines, engine) ? engines[engine] : torch);

export const processNote = ({ role }: Device) => (role === "host" ? "resident and mapped, as the system's monitor shows" : "what nvidia-smi shows");
