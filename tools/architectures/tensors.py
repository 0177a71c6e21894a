"""What a traced model holds: its tensors by name, each under the loops and conditions that it was made in."""
import dataclasses
import re

import transformers.configuration_utils as cu
import transformers.modeling_utils as mu

import hooks
import tracing
from configurations import simple
from symbols import is_symbol, symbol
from tracing import AltModule, negate


class Tensors:
    """The part of Tracer that collects them."""

    def ties(self, model):
        """Names of tied tensors → the condition under which they are."""
        out = {}
        for prefix, m in model.named_modules(remove_duplicate=False):
            if not isinstance(m, mu.PreTrainedModel) or (m is not model and self.reference(m)):
                continue
            keys = m._tied_weights_keys
            if keys == {}:   # emptied on one of the branches that were both walked; on that one the tensors have other names
                keys = type(m)._tied_weights_keys
            whole = type(m).__dict__.get("_tied_weights_keys")
            if isinstance(keys, dict) and isinstance(whole, dict) and keys.keys() < whole.keys():
                keys = whole   # some were taken out on one of the branches
            tie = getattr(m.config, "tie_word_embeddings", False)
            path = m.config.__dict__.get("_gm_path", "")
            if tie is True and not is_symbol(tie) and "tie_word_embeddings" in {f.name for f in dataclasses.fields(m.config)} and "_gm_path" in m.config.__dict__:
                tie = symbol(path + "?tie_word_embeddings", True)   # files with a head of their own stay untied
                self.docs[self.kind]["fields"].setdefault("tie_word_embeddings", True)
            where = True
            if isinstance(keys, tracing.Alternatives) and isinstance(keys.cases[0][1], dict):   # only on one side of a condition
                where, keys = keys.cases[0]
            if not keys or not isinstance(keys, dict) or (not is_symbol(tie) and not tie):
                continue
            c = tracing.ite(where, tracing.truth(tie) if is_symbol(tie) else True, False)
            forced = is_symbol(tie) and tie.expr == path + "?tie_word_embeddings"
            names = [n for n, _ in m.named_parameters(remove_duplicate=False)]
            for target, source in keys.items():
                later = "(?![0])" in target   # but the first: of a loop's rounds one stands for all
                found = [n for n in names if re.search("^" + target.replace("(?![0])", ""), n)]
                from_ = [n for n in names if re.search("^" + source, n)] or [n for n in names if re.search("^" + re.sub(r"\d+", "0", source), n)]
                if not from_:
                    continue
                if later:
                    out.update({(prefix + "." if prefix else "") + n: ("later", c) for n in found if re.search("^" + target.replace("(?![0])", ""), n)[0].endswith("0")})
                    continue
                for n in found:
                    if n not in from_:
                        out[(prefix + "." if prefix else "") + n] = True if forced and "head" not in n else c
        return out

    def reference(self, m):
        call = m.__dict__.get("_gm_call")
        if call is None or m.__dict__.get("_gm_made") != hooks.held(m):
            return None
        cls, a, k = call
        config = a[0] if a else k.get("config")
        if not isinstance(config, cu.PreTrainedConfig) or len(a) > 1 or not self.pristine(config):
            return None
        if config.__dict__["_gm_path"] and any(x.__dict__.get("_gm_plain") for x in m.modules()):
            return None   # which model of timm it is is said by the configuration around it
        rest = {n: v for n, v in k.items() if n != "config"}
        if not all(simple(v) for v in rest.values()):
            return None
        ref = {"use": cls.__name__, "type": self.type_name(type(config))}
        path = config.__dict__["_gm_path"].rstrip(".")
        if path:
            ref["at"] = path
        if m.__dict__.get("_gm_auto") and not rest and path:
            ref["auto"], ref["use"] = True, m.__dict__["_gm_auto"]
        return ref, cls, rest, self.type_name(type(config))

    def collect(self, m, name, guards, items, ties, root=False):
        if not root and isinstance(m, mu.PreTrainedModel) and not any(t.startswith(name + ".") for t in ties):
            found = self.reference(m)
            if found:
                ref, cls, rest, kind = found
                if id(m) in self.seen:
                    return
                self.seen.add(id(m))
                variant = cls.__name__ + ("(" + ",".join(f"{n}={v}" for n, v in sorted(rest.items())) + ")" if rest else "")
                if not ref.get("auto"):
                    ref["use"] = variant
                    self.want(kind, cls, rest, variant)
                else:
                    self.want(kind, cls, {}, cls.__name__)
                if kind == self.kind and not ref.get("at"):
                    ref.pop("type")
                elif ref.get("auto"):
                    ref.pop("type")
                items.append((self.context(m.__dict__.get("_gm_ctx", ()), guards), {**ref, "name": name}))
                return
        if "_gm_later" in m.__dict__:
            guards = (*guards, ("if", ["<", 0, m.__dict__["_gm_later"]]))
        if m.__dict__.get("_gm_plain"):
            return self.collect_plain(m, name, guards, items)
        if isinstance(m, AltModule):
            for c, x in m._gm_cases:
                self.collect(x, name, (*guards, ("if", c)), items, ties)
            return
        for n, p in m._parameters.items():
            if p is None:
                continue
            full = f"{name}.{n}" if name else n
            cases = getattr(p, "_gm_alts", None) or [(True, p)]
            for c, q in cases:
                g = (*guards, *([("if", c)] if c is not True else []))
                if id(q) in self.seen:
                    continue
                self.seen.add(id(q))
                tie = ties.get(full, False)
                if tie is True:
                    continue
                if isinstance(tie, tuple):
                    loops = [x[1] for x in q._gm_ctx if x[0] == "for"]
                    if loops:
                        g = (*g, ("if", ["or", negate(tie[1]), ["==", loops[-1], 0]]))
                elif tie is not False:
                    g = (*g, ("if", negate(tie)))
                items.append((self.context(q._gm_ctx, g), [self.shown(full, q._gm_ctx), *q._sym]))
        for n, child in m._modules.items():
            if child is not None:
                self.collect(child, f"{name}.{n}" if name else n, guards, items, ties)

    def collect_plain(self, m, name, guards, items):
        """A module without symbols: tensors of one shape whose names differ only in numbers, all at once."""
        found = {}
        for n, p in m.named_parameters():
            if id(p) not in self.seen:
                self.seen.add(id(p))
                key = (re.sub(r"\d+", "*", n), tuple(p.shape))
                found[key] = (found.get(key, (0, 0))[0] + 1, p)
        for (n, shape), (count, p) in found.items():
            loop = (("for", tracing.fresh(), count),) if count > 1 else ()
            items.append(((*self.context(p._gm_ctx, guards), *loop), [f"{name}.{n}", *shape]))

    def shown(self, name, ctx):
        loops = sum(1 for c in ctx if c[0] == "for")
        return re.sub(r"\.0(?=\.)", ".*", name, count=loops) if loops else name

    def context(self, ctx, guards):
        have = [c for c in ctx if c != ("if", True)]
        return tuple(have + [g for g in guards if g not in have and g[1] is not True])

    def tree(self, items):
        root = []
        index = {}
        for ctx, item in items:
            at, key = root, ()
            for c in ctx:
                key = (*key, repr(c))
                if key not in index:
                    node = {"for": [c[1], c[2]], "do": []} if c[0] == "for" else {"if": c[1], "do": []}
                    at.append(node)
                    index[key] = node["do"]
                at = index[key]
            at.append(item)
        return root
