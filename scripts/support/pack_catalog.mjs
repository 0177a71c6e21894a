// The catalog as the web loads it. Models resemble each other, so a model is written as what it changes of an earlier one, and names
// of fields are written once. web/src/catalog/unpack.ts turns it back and says what the parts mean.
import { Failure } from "./run.mjs";

/** {id: {config, parameters}} → {names, ids, parameters, bases, changes}. */
export function packModels(models) {
  const rows = Object.entries(models).map(([id, row]) => ({ id, ...row }));
  const chosen = rows.map((row, i) => smallest(row.config, rows, i));
  const names = namesByUse(chosen.map(({ changes }) => changes));
  const short = new Map(names.map((name, i) => [name, i.toString(36)]));
  return {
    names,
    ids: rows.map(({ id }) => id),
    parameters: rows.map(({ parameters }) => parameters),
    bases: chosen.map(({ back }) => back),
    changes: chosen.map(({ changes }) => written(changes, short)),
  };
}

/** {id: row} of flat rows → {id: […], field: […]}; null where a row has no such field. */
export function packRows(rows) {
  const all = Object.values(rows);
  const fields = [...new Set(all.flatMap((row) => Object.keys(row).filter((key) => row[key] !== undefined)))];
  return { id: Object.keys(rows), ...Object.fromEntries(fields.map((field) => [field, all.map((row) => row[field] ?? null)])) };
}

/** The earlier model of which this one changes least, as how many rows back it is; 0 for none. */
function smallest(config, rows, i) {
  const none = { back: 0, changes: changesOf({}, config) };
  const others = rows.slice(0, i).flatMap((row, at) => (at === i - 1 || alike(row.config, config) ? [i - at] : []));
  return others.reduce((best, back) => {
    const changes = changesOf(rows[i - back].config, config);
    return lengthOf(changes) < lengthOf(best.changes) ? { back, changes } : best;
  }, none);
}

const alike = (a, b) => a.model_type === b.model_type || a.hidden_size === b.hidden_size;
const lengthOf = (value) => JSON.stringify(value).length;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** "~name" holds changes of an object, "-" the names that are gone, "name" a value. */
function changesOf(before, after) {
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const changes = gone.length > 0 ? { "-": gone } : {};
  for (const [name, value] of Object.entries(after)) {
    if (/^[-~*]/.test(name)) throw new Failure(`A field named ${name} cannot be packed.`);
    if (JSON.stringify(before[name]) === JSON.stringify(value)) continue;
    if (isObject(value)) changes[`~${name}`] = changesOf(isObject(before[name]) ? before[name] : {}, value);
    else changes[name] = value;
  }
  return changes;
}

function namesByUse(changes) {
  const uses = new Map();
  const use = (name) => uses.set(name, (uses.get(name) ?? 0) + 1);
  const walk = (value) => {
    for (const [key, inner] of Object.entries(value)) {
      if (key === "-") inner.forEach(use);
      else use(key.replace(/^~/, ""));
      if (key[0] === "~") walk(inner);
    }
  };
  changes.forEach(walk);
  return [...uses.keys()].sort((a, b) => uses.get(b) - uses.get(a));
}

function written(changes, short) {
  const entries = Object.entries(changes).map(([key, value]) => {
    if (key === "-") return [key, value.map((name) => short.get(name))];
    if (key[0] === "~") return [`~${short.get(key.slice(1))}`, written(value, short)];
    return [short.get(key), Array.isArray(value) ? runs(value) : value];
  });
  return Object.fromEntries(entries);
}

/** Long lists repeat themselves: {"*": [value, how often, …]} where that is shorter. */
function runs(list) {
  const pairs = [];
  for (const value of list) {
    const last = pairs.at(-1);
    if (last && JSON.stringify(last[0]) === JSON.stringify(value)) last[1]++;
    else pairs.push([value, 1]);
  }
  const run = { "*": pairs.flat(1) };
  return lengthOf(run) < lengthOf(list) ? run : list;
}
