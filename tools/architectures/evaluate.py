"""Reads an inventory against a configuration, as core/src/architectures/inventory.cpp does."""
import math
import re

RENAMED = {"mamba": "linear_attention", "attention": "full_attention", "deepseek_sparse_attention": "indexed_attention",
           "qwen_sparse_attention": "indexed_attention"}
VALUES = {}   # the defaults of the configuration that is being traced


class Unknown(Exception):
    pass


def decide_by_defaults(c):
    try:
        return bool(value(c, lambda n: VALUES.get(n), {}))
    except Exception:
        return True


def by_defaults(e, otherwise):
    """A count's value for the defaults."""
    try:
        return int(value(e, lambda n: VALUES.get(n), {}))
    except Exception:
        return otherwise


def names(e):
    """Every name in an expression."""
    if isinstance(e, str):
        return {e}
    return set().union(*map(names, e[1:])) if isinstance(e, list) and e and e[0] != "'" else set()


def replaced(e, by):
    """An expression with other names."""
    if isinstance(e, str):
        return by.get(e, e)
    return [e[0], *(replaced(x, by) for x in e[1:])] if isinstance(e, list) and e and e[0] != "'" else e


def number(v):
    while isinstance(v, list):
        v = v[0] if v else 0
    if v is None or isinstance(v, str) or isinstance(v, dict):
        raise Unknown(f"not a number: {v!r}")
    return v


def truthy(v):
    return bool(v)


def value(e, get, variables):
    ev = lambda x: value(x, get, variables)
    if isinstance(e, str):
        if e.startswith("@"):
            return value(get.__self__.doc["shared"][int(e[1:])], get, variables)
        return variables.get(e, 0) if e.startswith("$") else get(e)
    if not isinstance(e, list):
        return e
    op, a = e[0], e[1:]
    if op == "has":
        return get("!" + a[0]) if a[0].startswith("?") else get(a[0].replace("?", "!?"))
    if op == "'":
        return a[0]
    if op == "if":
        return ev(a[1] if truthy(ev(a[0])) else a[2])
    if op == "and":
        return all(truthy(ev(x)) for x in a)
    if op == "or":
        return any(truthy(ev(x)) for x in a)
    if op in ("map", "filter"):
        out = []
        for i in range(int(number(ev(a[1])))):
            inner = {**variables, a[0]: i}
            if op == "map" or truthy(value(a[2], get, inner)):
                out.append(value(a[-1], get, inner))
        return out
    v = [ev(x) for x in a]
    if op == "not":
        return not truthy(v[0])
    if op == "truthy":
        return truthy(v[0])
    if op == "isnone":
        return v[0] is None
    if op == "list":
        return v
    if op == "==":
        return v[0] == v[1]
    if op == "at":
        if not isinstance(v[0], (list, str)):
            return v[0]
        i = int(number(v[1]))
        if not -len(v[0]) <= i < len(v[0]):
            raise Unknown(f"no element {i}")
        return v[0][i]
    if op == "len":
        return len(v[0]) if isinstance(v[0], (list, str, dict)) else 1
    if op == "contains":
        return v[1] in (v[0] or []) if not isinstance(v[0], (int, float)) else v[1] == v[0]
    if op == "ordinal":
        return int(re.search(r"\d*$", v[0])[0] or 0)
    if op == "prod":
        return math.prod(map(number, v[0]))
    if op == "starts":
        return str(v[0]).startswith(v[1])
    if op == "remap":   # older names of kinds of layers
        return [RENAMED.get(x, x) for x in v[0]] if isinstance(v[0], list) else v[0]
    if op == "split":
        return v[0].split(v[1])
    if op == "upper":
        return v[0].upper()
    if op == "sum":
        return sum(number(x) for x in v[0])
    if op in ("maxof", "minof"):
        return (max if op == "maxof" else min)(number(x) for x in v[0])
    if op == "slice":
        return v[0][slice(*(None if x is None else int(x) for x in v[1:]))]
    if op == "reverse":
        return v[0][::-1]
    if op == "rep":
        return v[0] * max(0, int(number(v[1])))
    if op == "given":
        return v[0] if v[0] is not None else v[1]
    if op == "cat":
        return [x for part in v for x in part]
    n = [number(x) for x in v]
    if op == "max":
        return max(n)
    if op == "min":
        return min(n)
    if op == "ceil":
        return math.ceil(n[0])
    if op == "floor":
        return math.floor(n[0])
    if op == "int":
        return int(n[0])
    if op == "round":
        return round(n[0])
    x, y = n
    if op == "+": return x + y
    if op == "-": return x - y
    if op == "*": return x * y
    if op == "<": return x < y
    if op == "**": return x ** y
    if y == 0:
        raise Unknown("division by zero")
    if op == "//": return x // y
    if op == "/": return x / y
    if op == "%": return x % y
    raise Unknown(op)


class Scope:
    def __init__(self, docs, kind, record, given=None):
        if kind not in docs:
            raise Unknown(f"no inventory for {kind}")
        self.docs, self.kind, self.doc, self.record, self.given = docs, kind, docs[kind], record, given or {}
        self.memo, self.busy, self.subs = {}, set(), {}

    def raw(self, name):
        for key in (name, *self.doc.get("aliases", {}).get(name, [])):
            if key in self.record:
                return self.record[key]
        if name in self.given:
            return self.given[name]
        if name in self.doc.get("extra", []):
            return None
        if name not in self.doc["fields"] and name not in self.doc.get("configs", {}):
            raise Unknown(f"field {name} of {self.kind}")
        return self.doc["fields"].get(name)

    def sub(self, name):
        if name not in self.subs:
            c = self.doc.get("configs", {}).get(name)
            if c is None:
                raise Unknown(f"no configuration {name} in {self.kind}")
            r = self.record.get(name)
            given = c.get("fields", {}) if not isinstance(r, dict) else {}
            r = r if isinstance(r, dict) else self.record if c.get("flat") and "hidden_size" in self.record else {}
            kind = r.get("model_type") if c.get("auto") and r is not self.record else None
            self.subs[name] = Scope(self.docs, kind if kind in self.docs else c["type"], r, given)
        return self.subs[name]

    def get(self, name):
        if "." in name:
            head, tail = name.split(".", 1)
            return self.sub(head).get(tail)
        if name.startswith("!"):
            return any(k in self.record for k in (name[2:], *self.doc.get("aliases", {}).get(name[2:], [])))
        if name.startswith("?"):
            return self.raw(name[1:])
        if name in self.doc.get("let", {}):
            if name not in self.memo:
                self.memo[name] = value(self.doc.get("let", {})[name], self.get, {})
            return self.memo[name]
        if name == "num_labels":
            labels = self.record.get("id2label")
            return len(labels) if isinstance(labels, dict) else self.record.get("num_labels") or self.doc["fields"].get("num_labels", 2)
        return self.raw(name)

    def at(self, path):
        s = self
        for p in path.split(".") if path else []:
            s = s.sub(p)
        return s

    def ev(self, e, variables):
        return value(e, self.get, variables)


def walk(scope, items, variables, out, prefix="", depth=0):
    if depth > 12:
        raise Unknown("too deep")
    for item in items:
        if isinstance(item, list):
            dims = [number(scope.ev(d, variables)) for d in item[1:]]
            out.append((prefix + item[0], dims))
        elif "for" in item:
            for i in range(int(number(scope.ev(item["for"][1], variables)))):
                walk(scope, item["do"], {**variables, item["for"][0]: i}, out, prefix, depth)
        elif "if" in item:
            if truthy(scope.ev(item["if"], variables)):
                walk(scope, item["do"], variables, out, prefix, depth)
        elif "need" in item:
            if scope.ev(item["need"], variables) != item["is"]:
                raise Unknown(f"{item['need']} must be {item['is']}")
        elif "use" in item:
            s = scope.at(item.get("at", ""))
            name = item["use"]
            if item.get("auto"):
                if name not in s.doc.get("auto", {}):
                    raise Unknown(f"{name} of {s.kind}")
                name = s.doc.get("auto", {})[name]
            elif "type" in item and item["type"] != s.kind:
                s = Scope(scope.docs, item["type"], s.record, s.given)
            if name not in s.doc["classes"]:
                raise Unknown(f"{name} in {s.kind}")
            walk(s, s.doc["classes"][name], {}, out, prefix + item.get("name", "") + ".", depth + 1)
    return out


def tensors(docs, config):
    kind = config.get("model_type")
    scope = Scope(docs, kind, config)
    names = config.get("architectures") or []
    name = names[0] if names and names[0] in scope.doc["classes"] else scope.doc["main"]
    return walk(scope, scope.doc["classes"][name], {}, [])


def total(docs, config):
    return sum(math.prod(d) for _, d in tensors(docs, config))
