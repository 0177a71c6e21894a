// The engine as JavaScript calls it. A request crosses as bytes (request_bytes.hpp), an answer comes back as JSON text.

// A page may hand over whatever its visitor pasted.
const deepestNesting = 32;
const mostValues = 100_000;

/** `engine`: the bytes of estimator.wasm, or the answer of the server that has them. */
export default async function create(engine) {
  const { instance } = await instantiated(engine);
  const { memory, _initialize, gpumem_request, gpumem_answer, gpumem_estimate, gpumem_describe, gpumem_fields, gpumem_version } = instance.exports;
  _initialize?.();
  const decoder = new TextDecoder();
  const answer = (size) => decoder.decode(new Uint8Array(memory.buffer, gpumem_answer(), size));
  const ask = (scenario, facts, question) => {
    const writer = new Writer();
    const part = writer.value(scenario) ? (writer.value(facts) ? undefined : "model.config") : "";
    if (part !== undefined) return tooLarge(part);
    const bytes = writer.written();
    const at = gpumem_request(bytes.length);
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    return answer(question());
  };
  return {
    estimate: (scenario, facts) => ask(scenario, facts, gpumem_estimate),
    fields: (scenario, facts) => ask(scenario, facts, gpumem_fields),
    describe: () => answer(gpumem_describe()),
    version: () => answer(gpumem_version()),
  };
}

/** What the engine asks of its surroundings: nothing but to end it where it cannot go on. */
const nothing = () => 0;
const surroundings = {
  env: { emscripten_notify_memory_growth: nothing },
  wasi_snapshot_preview1: {
    proc_exit: (status) => {
      throw new Error(`the engine ended with ${status}`);
    },
    fd_close: nothing,
    fd_seek: nothing,
    fd_write: nothing,
  },
};

async function instantiated(engine) {
  if (!(typeof Response === "function" && engine instanceof Response)) return WebAssembly.instantiate(engine, surroundings);
  // Compiled while it arrives, where the server names its type.
  if (engine.headers.get("content-type") === "application/wasm") return WebAssembly.instantiateStreaming(engine, surroundings);
  return WebAssembly.instantiate(await engine.arrayBuffer(), surroundings);
}

const tooLarge = (path) => {
  const message = "holds more than 100000 values, or is nested more than 32 levels deep";
  return JSON.stringify({ ok: false, issues: [{ path, code: "too-large", message }] });
};

const encoder = new TextEncoder();

class Writer {
  #bytes = new Uint8Array(1 << 14);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;
  #left = mostValues;

  written = () => this.#bytes.subarray(0, this.#size);

  /** False where the value is too large or too deep to be written whole. */
  value(value) {
    this.#left = mostValues;
    return this.#write(value, 0);
  }

  #write(value, depth) {
    if (--this.#left < 0 || depth > deepestNesting) return false;
    if (typeof value === "number") {
      this.#letter("d");
      this.#view.setFloat64(this.#size, value, true);
      this.#size += 8;
    } else if (typeof value === "boolean") this.#letter(value ? "t" : "f");
    else if (typeof value === "string") {
      this.#letter("s");
      this.#text(value);
    } else if (typeof value !== "object" || value === null) this.#letter("n");
    else if (Array.isArray(value)) return this.#list(value, depth);
    else return this.#record(value, depth);
    return true;
  }

  #list(list, depth) {
    if (list.length > this.#left) return false;
    this.#letter("l");
    this.#count(list.length);
    for (let i = 0; i < list.length; i++) if (!this.#write(list[i], depth + 1)) return false;
    return true;
  }

  #record(record, depth) {
    const names = Object.keys(record);
    if (names.length > this.#left) return false;
    this.#letter("r");
    this.#count(names.length);
    for (const name of names) {
      this.#text(name);
      if (!this.#write(record[name], depth + 1)) return false;
    }
    return true;
  }

  /** Leaves room for the number or count that may follow. */
  #letter(letter) {
    this.#reserve(16);
    this.#bytes[this.#size++] = letter.charCodeAt(0);
  }

  #count(count) {
    this.#view.setUint32(this.#size, count, true);
    this.#size += 4;
  }

  /** A character has at most three bytes for each of its units. */
  #text(text) {
    this.#reserve(4 + 3 * text.length);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#size + 4));
    this.#count(written);
    this.#size += written;
  }

  #reserve(more) {
    if (this.#size + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size + more));
    larger.set(this.written());
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
