// docs/published.md: what others measured and published about training, and what is answered for the same runs.

const sources = {
  fms: ["fms-acceleration benches", "foundation-model-stack's benchmarks on one to eight A100: peft, GPTQ, fused kernels, FSDP"],
  simumax: ["SimuMax's Megatron runs", "one rank"],
  mbridge: ["Megatron Bridge's recomputation", "one rank"],
};

const quantities = ["allocatedBytes", "reservedBytes", "processBytes"];
const GiB = (bytes) => (bytes / 2 ** 30).toFixed(2);
const percent = (got, expected) => `${got >= expected ? "+" : "−"}${Math.abs((got / expected - 1) * 100).toFixed(1)} %`;

/** Rows of one quantity: {id, quantity, theirs, ours}; refused ones have no `ours`. */
function rowsOf(results) {
  return results
    .filter(({ group }) => group.startsWith("published-train"))
    .flatMap(({ id, errors }) =>
      errors.filter(({ quantity }) => quantities.includes(quantity)).map(({ quantity, expected, got }) => ({ id, quantity, theirs: expected, ours: got })),
    );
}

function table([prefix, [title, what]], rows) {
  const own = rows.filter(({ id }) => id.startsWith(`${prefix}-`));
  if (own.length === 0) return [];
  return [
    `## ${title}`,
    "",
    `${what[0].toUpperCase()}${what.slice(1)}. GiB.`,
    "",
    "| run | quantity | published | answered | off by |",
    "|---|---|---:|---:|---:|",
    ...own.map(({ id, quantity, theirs, ours }) => {
      const run = id.slice(prefix.length + 1);
      const answer = ours === undefined ? ["refused", "–"] : [GiB(ours), percent(ours, theirs)];
      return `| ${[run, quantity.replace("Bytes", ""), GiB(theirs), ...answer].join(" | ")} |`;
    }),
    "",
  ];
}

/** The page's lines. */
export function publishedPage(results) {
  const rows = rowsOf(results);
  return [
    "# Published runs",
    "",
    "Written by `npm run accuracy`; do not edit. Training runs whose memory others measured on real cards and published, beside the answer for the",
    "same scenario. `allocated` is what the framework's tensors took, `reserved` what its allocator took from the driver, `process` what the",
    "driver's tool showed. No figure was fitted to any of them.",
    "",
    ...Object.entries(sources).flatMap((source) => table(source, rows)),
  ];
}
