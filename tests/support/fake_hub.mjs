// A hub on this machine: repositories of small files, with the answers that a real one gives, and some that none should.
import { createServer } from "node:http";
import { safetensorsFile, smallConfig, smallGguf, smallShards } from "./model_files.mjs";

const { files: shards, index } = smallShards();
const json = (value) => Buffer.from(JSON.stringify(value));
const gguf = smallGguf().header;
const huge = Buffer.concat([Buffer.from(BigUint64Array.of(60_000_000n).buffer), Buffer.alloc(1000)]);

/** By repository, its files. */
const repositories = {
  "someone/sharded": { "config.json": json(smallConfig), "model.safetensors.index.json": json(index), ...Object.fromEntries(Object.entries(shards).map(([name, tensors]) => [name, safetensorsFile(tensors)])) },
  "someone/gated": { "config.json": json(smallConfig), "model.safetensors": safetensorsFile(shards["model-00001-of-00002.safetensors"]) },
  "someone/small-GGUF": { "small-Q8_0.gguf": gguf, "small-Q4_K_M.gguf": smallGguf({ type: "Q4_K" }).header, "mmproj-F16.gguf": gguf, "README.md": Buffer.from("x") },
  "someone/config-only": { "config.json": json(smallConfig), "pytorch_model.bin": Buffer.alloc(10) },
  "someone/broken": { "config.json": Buffer.from("{ broken"), "model.safetensors": safetensorsFile({ a: ["F32", [2]] }) },
  "someone/huge": { "config.json": json(smallConfig), "model.safetensors": huge },
  "someone/page": { "config.json": Buffer.from("<!doctype html><p>Sign in</p>"), "model.safetensors": safetensorsFile({ a: ["F32", [2]] }) },
  "someone/lying": { "config.json": json(smallConfig), "model.safetensors": safetensorsFile({ a: ["F32", [2000]] }, { data: false }) },
  "someone/slow": { "config.json": json(smallConfig), "model.safetensors": safetensorsFile({ a: ["F32", [2]] }) },
};
export const accessToken = "hf_fake-token";

/** {address, asked, close()}: asked holds what arrived, as {path, range, authorization}. */
export async function startHub() {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://hub").pathname);
    const cors = { "access-control-allow-origin": "*", "access-control-allow-headers": "authorization, range", "access-control-expose-headers": "content-range, x-error-code, retry-after" };
    if (request.method === "OPTIONS") return response.writeHead(204, cors).end();
    asked.push({ path, range: request.headers.range, authorization: request.headers.authorization });
    const answer = (status, body, headers = {}) => response.writeHead(status, { "content-type": "application/octet-stream", ...cors, ...headers }).end(body);
    const [, id, file] = /^\/(?:api\/models\/)?([\w.-]+\/[\w.-]+)(?:\/resolve\/main\/(.+))?$/.exec(path) ?? [];
    if (id === "someone/limited") return answer(429, "", { "retry-after": "30" });
    if (id === "someone/down") return answer(503, "");
    const files = repositories[id];
    if (!files) return answer(404, "", { "x-error-code": "RepoNotFound" });
    if (id === "someone/gated" && request.headers.authorization !== `Bearer ${accessToken}`) return answer(401, "", { "x-error-code": "GatedRepo" });
    if (path.startsWith("/api/")) return answer(200, json({ id, siblings: Object.keys(files).map((rfilename) => ({ rfilename })) }), { "content-type": "application/json" });
    if (id === "someone/slow") return;   // never answers
    const bytes = files[file];
    if (!bytes) return answer(404, "", { "x-error-code": "EntryNotFound" });
    const kind = id === "someone/page" ? { "content-type": "text/html; charset=utf-8" } : {};
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined) return answer(200, bytes, kind);
    const end = Math.min(Number(to) + 1, bytes.length);
    if (Number(from) >= bytes.length) return answer(416, "");
    answer(206, bytes.subarray(Number(from), end), { ...kind, "content-range": `bytes ${from}-${end - 1}/${bytes.length}` });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${server.address().port}`, asked, close };
}
