// What a catalog file may hold. The generator and the catalog's tests both read it; nothing else knows a field's name.
// A check takes a value and returns what is wrong with it, or undefined.

const units = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** "80 GiB" → 85899345920, or undefined when the text is not a number, a space and a unit. */
export function parseQuantity(text) {
  const match = /^(\d+(?:\.\d+)?) ([KMGT]iB|[kMGT]?B)$/.exec(text);
  return match ? Math.round(Number(match[1]) * units[match[2]]) : undefined;
}

const text = (value) => (typeof value === "string" && value.trim() !== "" ? undefined : "must be text");
const flag = (value) => (typeof value === "boolean" ? undefined : "must be true or false");
const number = (low, high) => (value) =>
  Number.isFinite(value) && value >= low && value <= high ? undefined : `must be a number from ${low} to ${high}`;
const count = (low, high) => (value) =>
  Number.isInteger(value) && value >= low && value <= high ? undefined : `must be an integer from ${low} to ${high}`;
const share = number(0, 1);
const word = (...words) => (value) => (words.includes(value) ? undefined : `must be one of ${words.join(", ")}`);
const quantity = (value) =>
  typeof value === "string" && parseQuantity(value) !== undefined ? undefined : 'must be a quantity with its unit, such as "80 GiB"';
const rate = (value) => (/^\d+(\.\d+)? GB\/s$/.test(value) ? undefined : 'must be a rate such as "3352 GB/s"');
const watts = (value) => (/^\d+(\.\d+)? W$/.test(value) ? undefined : 'must be a power such as "700 W"');
const address = (value) => (/^https:\/\/\S+$/.test(value) ? undefined : "must be an https address");
const day = (value) => (/^\d{4}-\d{2}-\d{2}$/.test(value) ? undefined : "must be a day such as 2026-01-31");
const sourceKey = (value, sources) => (Object.hasOwn(sources, value) ? undefined : `names no source of sources.json: ${value}`);
const openObject = (value) => (isObject(value) ? undefined : "must be an object");

const list = (check) => (value, sources) => {
  if (!Array.isArray(value) || value.length === 0) return "must be a list with at least one entry";
  return value.map((entry, i) => prefixed(`[${i}]`, check(entry, sources))).find(Boolean);
};
const object = (fields) => (value, sources) => {
  const [first] = problemsOf(fields, value, sources);
  return first;
};
const openText = (value) => (typeof value === "string" ? undefined : "must be text");
const optional = (check) => Object.assign((value, sources) => check(value, sources), { optional: true });

const temporaries = word("none", "largest", "largest-twice", "all-trainable", "all-trainable-twice", "two-largest", "wide-update", "root-of-a-side", "factored", "newton-schulz");

/** What a tensor is for, as far as formats are chosen by it; "any" stands for all of them. */
export const tensorRoles = ["embedding", "head", "position", "router", "query", "key", "value", "joint", "output", "up", "gate", "down",
  "stacked", "vision", "convolution", "other"];
/** Where a rule holds: places among the tensors of one role, and facts about the model, the file or the way it was made. */
export const ruleConditions = ["first-2", "first-4", "first-sixteenth", "first-eighth", "first-eighth-seen", "middle", "more-bits", "gqa-4",
  "experts", "experts-4", "experts-8", "class-70b", "falcon", "imatrix", "uneven-rows", "before-2026"];
const rule = object({ tensors: list(word("any", ...tensorRoles)), when: optional(list(word(...ruleConditions))), format: text });
const extra = object({ what: text, bytes: number(0.0625, 2 ** 24), rows: optional(number(0, 65536)), columns: optional(number(0, 65536)),
  elements: optional(number(0, 65536)) });
const dictionary = (check) => (value, sources) => {
  if (!isObject(value)) return "must be an object";
  return Object.entries(value).map(([key, entry]) => prefixed(`${key} `, check(entry, sources))).find(Boolean);
};
const eachOf = (check) => (value, sources) =>
  Array.isArray(value) ? value.map((entry, i) => prefixed(`[${i}] `, check(entry, sources))).find(Boolean) : "must be a list";

// Expressions and items of inventories: core/src/architectures/expression.hpp says what they mean.
const expression = (value) => {
  if (value === null || ["number", "boolean", "string"].includes(typeof value)) return undefined;
  if (!Array.isArray(value) || typeof value[0] !== "string") return "must be an expression";
  return value[0] === "'" ? undefined : value.slice(1).map(expression).find(Boolean);
};
const inventoryItem = (value) => {
  if (Array.isArray(value)) return typeof value[0] === "string" ? value.slice(1).map(expression).find(Boolean) : "must begin with a tensor's name";
  if (!isObject(value)) return "must be a tensor, a loop, a condition, a need or a use";
  const [kind] = ["for", "if", "need", "use"].filter((key) => Object.hasOwn(value, key));
  const [fields] = { for: [{ for: pair, do: inventory }], if: [{ if: expression, do: inventory }], need: [{ need: expression, is: anyNumber }], use: [useFields] }[kind] ?? [];
  return fields ? problemsOf(fields, value)[0] : "must be a tensor, a loop, a condition, a need or a use";
};
const inventory = eachOf(inventoryItem);
const pair = (value) => (Array.isArray(value) && value.length === 2 && typeof value[0] === "string" ? expression(value[1]) : "must be a variable and a count");
const anyNumber = (value) => (Number.isFinite(value) ? undefined : "must be a number");
const useFields = { use: text, name: optional(openText), at: optional(text), type: optional(text), auto: optional(flag) };
const innerFields = { type: text, auto: optional(flag), flat: optional(flag), fields: optional(openObject) };


/** The kinds of file, by folder. A row's id is its path below that folder, without ".json". */
export const kinds = {
  formats: {
    blockElements: count(1, 65536),
    blockBytes: number(0.125, 65536),
    extras: optional(list(extra)),     // beside the blocks: so many bytes for every so many rows and columns (0 or absent: all), or elements
    fallback: optional(text),          // llama.cpp's choice where a row is no multiple of the block
    source: sourceKey,
  },
  quantizations: {
    kind: word("tensors", "gguf"),     // how the tensors are named and cut: as Hugging Face keeps them, or as a GGUF file does
    base: text,                        // a format, or "compute": the format the model computes in
    unpacked: optional(flag),          // linears make a whole matrix of their weight for each use
    rules: optional(list(rule)),       // the first that holds decides; without one it is the base
    source: sourceKey,
    note: optional(text),
  },
  optimizers: {
    name: text,
    statesPerParameter: number(0, 8),
    stepCounter: flag,
    matrices: optional(word("factored", "hidden", "by-row", "two-sided", "each-side", "low-rank", "random-low-rank")),
    rank: optional(count(1, 65536)),           // of the low-rank ones
    blockElements: optional(count(1, 65536)),  // states are quantised in blocks of so many numbers,
    blockBytes: optional(count(1, 65536)),     // which take so many bytes with their scale,
    smallest: optional(count(0, 1048576)),     // in parameters of at least so many numbers
    tableEachState: optional(flag),            // what is not quantised then keeps the parameter's format, not fp32
    noTable: optional(flag),                   // nor is there a table of what a packed number stands for
    stateFormat: optional(text),               // a format, where states are not in their parameter's
    managedFrom: optional(count(1, 1e9)),      // parameters of so many numbers keep their states in managed memory
    inBackward: optional(flag),                // it can only step while gradients are made
    note: optional(text),
    temporaries: object({ fused: temporaries, foreach: temporaries, loop: temporaries }),
    source: sourceKey,
  },
  overheads: {
    low: optional(quantity),
    expected: optional(quantity),
    high: optional(quantity),
    lowShare: optional(share),
    expectedShare: optional(share),
    highShare: optional(share),
    // Of a band of shares, `of` says of what.
    measurements: optional(list(object({ value: quantity, of: optional(quantity), case: text, source: sourceKey }))),
    source: sourceKey,
    note: optional(text),
  },
  gpus: {
    name: text,
    memory: quantity, // as the maker sells it: GiB, or GB where that is what it means
    reported: optional(quantity), // the total that the driver's own tool shows
    shared: optional(flag), // memory is the processor's too
    usableShare: optional(share), // the most that the system lends the GPU by default
    class: word("datacenter", "workstation", "consumer", "laptop", "embedded", "apple", "apu", "tpu", "aws"),
    architecture: text,
    memoryType: text,
    computeCapability: optional(number(3, 20)), // NVIDIA
    target: optional(text), // AMD: gfx942 …
    bandwidth: optional(rate),
    tflops: optional(object(Object.fromEntries(["fp32", "fp16", "bf16", "fp8", "int8", "fp4"].map((id) => [id, optional(number(0, 1e5))])))), // dense
    interconnect: optional(object({ name: text, bandwidth: optional(rate) })),
    gpusPerNode: count(1, 1024),
    year: count(2006, 2100),
    power: optional(watts),
    unverified: optional(list(word("memory", "reported", "usableShare", "bandwidth", "tflops", "interconnect", "power", "year"))),
    sources: list(sourceKey),
    note: optional(text),
  },
  architectures: {
    source: sourceKey,
    fields: openObject,
    aliases: optional(dictionary(list(text))),
    let: optional(dictionary(expression)),
    configs: optional(dictionary(object(innerFields))),
    auto: optional(dictionary(text)),
    extra: optional(list(text)),
    shared: optional(list(expression)),
    main: optional(text),
    classes: dictionary(inventory),
    defaultParameters: optional(count(0, Number.MAX_SAFE_INTEGER)),
  },
  models: {
    config: openObject,
    parameters: count(1, Number.MAX_SAFE_INTEGER), // of the loaded model: what the engine must count
    published: optional(object({ parameters: count(1, Number.MAX_SAFE_INTEGER), difference: text })), // only where it is another figure
    confirmed: optional(flag), // false: no class of transformers or diffusers builds it from this configuration
    source: sourceKey,
    at: optional(text),
    also: optional(list(object({ source: sourceKey, at: optional(text) }))),
    note: optional(text),
  },
};

/** A file with `each` stands for one row for every choice of its parameters: "gptq-{bits}-{group}" and numbers such as "bits / 8". */
export function expandedRows(id, row) {
  if (!isObject(row) || !isObject(row.each)) return { [id]: row };
  const { each, ...rest } = row;
  const choices = Object.entries(each).reduce(
    (made, [name, values]) => made.flatMap((choice) => [values].flat().map((value) => ({ ...choice, [name]: value }))), [{}]);
  return Object.fromEntries(choices.map((choice) => [filled(id, choice), substituted(rest, choice)]));
}

const filled = (text, choice) => text.replace(/\{(\w+)\}/g, (whole, name) => choice[name] ?? whole);

function substituted(value, choice) {
  if (Array.isArray(value)) return value.map((entry) => substituted(entry, choice));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, substituted(entry, choice)]));
  if (typeof value !== "string") return value;
  const [, name, sign, by] = /^(\w+)(?: ([*/]) ([\d.]+))?$/.exec(value) ?? [];
  if (name === undefined || !Object.hasOwn(choice, name)) return filled(value, choice);
  const number = Math.max(Number(choice[name]), 0);   // a group of -1 is the whole row
  return sign === "*" ? number * by : sign === "/" ? number / by : number;
}

const sourceFields = { title: text, url: address, accessed: optional(day) };

/** Everything wrong with one row of a kind, as sentences. */
export function problemsOfRow(kind, row, sources) {
  const problems = problemsOf(kinds[kind], row, sources);
  return problems.length > 0 ? problems : [...problems, ...(togetherProblems[kind]?.(row) ?? [])];
}

/** Everything wrong with sources.json. */
export function problemsOfSources(sources) {
  return Object.entries(sources).flatMap(([key, source]) => [
    ...(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(key) ? [] : [`${key} is not kebab-case`]),
    ...problemsOf(sourceFields, source, sources).map((problem) => prefixed(`${key}.`, problem)),
  ]);
}

function problemsOf(fields, value, sources) {
  if (!isObject(value)) return ["must be an object"];
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(fields, key)).map((key) => `${key} is not a known field`);
  const wrong = Object.entries(fields).flatMap(([key, check]) => {
    if (value[key] === undefined) return check.optional ? [] : [`${key} is missing`];
    const problem = check(value[key], sources);
    return problem ? [`${key} ${problem}`] : [];
  });
  return [...unknown, ...wrong];
}

/** What fields say about each other. */
const togetherProblems = { overheads: bandProblems, models: modelProblems, gpus: gpuProblems };

/** A pipeline of diffusers lists its components under `config.components`; everything else names its model_type. */
function modelProblems({ config, parameters, published, confirmed, note }) {
  const shaped = "model_type" in config || (typeof config._class_name === "string" && isObject(config.components));
  return [
    ...(shaped ? [] : ["config needs a model_type, or a _class_name and components"]),
    ...(published?.parameters === parameters ? ["published.parameters says the same as parameters"] : []),
    ...(confirmed === false && !note ? ["without a confirmed count, a note must say why"] : []),
  ];
}

function gpuProblems(row) {
  return (row.unverified ?? []).filter((key) => row[key] === undefined).map((key) => `unverified names ${key}, which is not given`);
}

/** An overhead is a band in bytes or a band of shares, whole and in order, with measurements or a word on why there are none. */
function bandProblems(row) {
  if (!row.measurements && !row.note) return ["without measurements, a note must say where the band comes from"];
  const bytes = ["low", "expected", "high"].map((key) => row[key]);
  const shares = ["lowShare", "expectedShare", "highShare"].map((key) => row[key]);
  const given = [bytes, shares].filter((band) => band.some((value) => value !== undefined));
  if (given.length !== 1 || given[0].includes(undefined)) {
    return ["needs either low, expected and high, or lowShare, expectedShare and highShare"];
  }
  const [low, expected, high] = given[0].map((value) => (typeof value === "string" ? parseQuantity(value) : value));
  return low <= expected && expected <= high ? [] : ["low, expected and high are not in order"];
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const prefixed = (prefix, problem) => (problem ? `${prefix}${problem}` : undefined);
