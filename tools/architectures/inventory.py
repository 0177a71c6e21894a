"""Traces each class of the framework on symbolic configurations and writes down what it holds."""
import copy
import dataclasses
import importlib
import inspect
import re
import signal
import traceback

import torch
from torch import nn
import transformers
import transformers.configuration_utils as cu
import transformers.modeling_utils as mu
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING, CONFIG_MAPPING_NAMES

import evaluate
import tracing
from symbols import SymList, expr, is_symbol, plain, symbol
from tracing import Alternatives, AltModule, ite, negate, scalar

COMMON = {"transformers_version", "architectures", "dtype", "id2label", "label2id", "problem_type", "return_dict",
          "output_hidden_states", "chunk_size_feed_forward"}
ORDER = ["CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ", "TEXT_TO_WAVEFORM",
         "MASKED_LM", "PRETRAINING", "IMAGE_CLASSIFICATION", "CTC"]


def kind_of(annotation, default):
    text = str(annotation)
    for k in ("list", "tuple"):
        if isinstance(default, (list, tuple)) or (default is None and (k + "[") in text):
            return "list"
    for k, t in (("bool", bool), ("int", int), ("float", float), ("str", str)):
        if isinstance(default, t):
            return k
    for k in ("bool", "int", "float", "str"):
        if re.search(rf"\b{k}\b", text) and "dict" not in text and "Any" not in text:
            return k
    return None


def simple(v):
    return v is None or isinstance(v, (bool, int, float, str)) and not is_symbol(v)


def scalars(v):
    return simple(v) or (isinstance(v, (list, tuple)) and len(v) < 600 and all(scalars(x) for x in v))


SKIPPED = re.compile(r"For(QuestionAnswering|MultipleChoice|NextSentencePrediction|XVector|AudioFrameClassification|VideoClassification)\w*$")


class Late(BaseException):
    """Not an Exception: a condition's side that takes too long must not count as one that cannot be taken."""


def _late(*_):
    raise Late("took too long")


signal.signal(signal.SIGVTALRM, _late)


class Tracer:
    def __init__(self):
        self.docs, self.problems, self.todo, self.done = {}, [], [], set()
        self.extra, self.types, self.bare = {}, {}, []
        self.stack = []
        cu.SubConfigSpec.create_subconfig = self.create_subconfig_for()
        cu.PreTrainedConfig.num_labels = property(lambda c: symbol(c.__dict__["_gm_path"] + "num_labels", c.__dict__.get("_gm_labels", 2)) if "_gm_path" in c.__dict__ else 2,
                                                  lambda c, v: c.__dict__.__setitem__("_gm_labels", plain(v) if v is not None else 2))

    # ---- configurations
    def create_subconfig_for(tracer):
        def create(spec, key, subconfig=None, **kwargs):
            if isinstance(subconfig, cu.PreTrainedConfig):
                return subconfig, kwargs
            auto = not issubclass(spec.config_class, cu.PreTrainedConfig)
            cls = CONFIG_MAPPING[spec.model_type] if auto else spec.config_class
            init = dict(spec.init_kwargs)
            parent = tracer.stack[-1]
            built = tracer.build(cls, parent[0] + key + ".", init)
            if parent[1] is not None:
                c = {"type": tracer.type_name(cls)}
                if auto:
                    c["auto"] = True
                known = {k: plain(v) for k, v in init.items() if scalars(plain(v))}
                if known:
                    c["fields"] = known
                if key == "text_config" and tracer.flat(parent[2]):
                    c["flat"] = True
                parent[1]["configs"][key] = c
            if spec.optional:
                built.__dict__["_gm_optional"] = (parent[0] + key, False)
                tracing.NULLABLE.add(parent[0] + key)
            return built, kwargs
        return create

    def flat(self, cls):
        """Whether older files have the text model's fields beside the configurations of other parts."""
        try:
            source = inspect.getsource(cls.__post_init__)
        except (OSError, TypeError):
            return False
        return "text_config" in source and "kwargs" in source and "text_config is None" in source

    def build(self, cls, path, given, doc=None):
        c = cls.__new__(cls)
        d = c.__dict__
        d["_gm_path"] = path
        self.stack.append((path, doc, cls))
        specs = cls.sub_configs_defaults or {}
        try:
            for f in dataclasses.fields(cls):
                value = given[f.name] if f.name in given else f.default if f.default is not dataclasses.MISSING else \
                    f.default_factory() if f.default_factory is not dataclasses.MISSING else None
                if f.name in specs and value is None and specs[f.name].optional:
                    value, _ = specs[f.name].create_subconfig(f.name, None)
                    value.__dict__["_gm_optional"] = (path + f.name, True)
                kind = kind_of(f.type, value)
                if f.name not in COMMON and kind and scalars(value) and not f.name.startswith("_"):
                    raw = path + "?" + f.name
                    if value is None or "None" in str(f.type):
                        tracing.NULLABLE.add(raw)
                    evaluate.VALUES[raw] = value
                    if doc is not None:
                        doc["fields"][f.name] = list(value) if isinstance(value, tuple) else value
                    value = symbol(raw, value, kind)
                setattr(c, f.name, value)
            tracing.FIELDS.clear()
            extra = {k: v for k, v in given.items() if k not in {f.name for f in dataclasses.fields(cls)} and k != "model_type"}
            tracing.EXTRA.pop(path, None)
            c.__post_init__(**extra)
            if doc is not None:
                doc["fields"].update({k: v for k, v in tracing.FIELDS.items() if k not in doc["fields"]})
        finally:
            self.stack.pop()
        c._attn_implementation = "eager"
        c._experts_implementation = "eager"
        for k, v in list(d.items()):
            if k.startswith("_") or k in COMMON or isinstance(v, cu.PreTrainedConfig):
                continue
            if not is_symbol(v) and not (isinstance(v, (list, tuple)) and scalar(v)) and k not in (doc or {}).get("fields", {}):
                continue
            if not scalar(v):
                continue
            e = expr(v)
            self.name_value(path, k, e, v, doc)
            d[k] = symbol(path + k, plain(v) if is_symbol(v) else [plain(x) for x in v] if isinstance(v, (list, tuple)) else v,
                          "list" if isinstance(v, list) else "int" if isinstance(v, int) else "str" if isinstance(v, str) else "float") \
                if is_symbol(v) or isinstance(v, (list, tuple)) else v
        d["_gm_snapshot"] = {k: v for k, v in d.items() if not k.startswith("_") and k not in COMMON}
        return c

    def name_value(self, path, k, e, v, doc):
        evaluate.VALUES[path + k] = plain(v)
        none = tracing.isnone(e)
        if none is not False:
            tracing.NULLABLE.add(path + k)
        else:
            tracing.NULLABLE.discard(path + k)
        if doc is not None and e != path + "?" + k:
            doc["let"][k] = e

    def pristine(self, c):
        snap = c.__dict__.get("_gm_snapshot")
        return snap is not None and all(c.__dict__.get(k) is v or self.same(c.__dict__.get(k), v) for k, v in snap.items()) \
            and all(k in snap for k in c.__dict__ if not k.startswith("_") and k not in COMMON)

    def same(self, a, b):
        if isinstance(a, cu.PreTrainedConfig) and isinstance(b, cu.PreTrainedConfig):
            return a.__dict__.get("_gm_path") == b.__dict__.get("_gm_path") and self.pristine(a)
        if is_symbol(a) or is_symbol(b):
            return is_symbol(a) and is_symbol(b) and a.expr == b.expr
        try:
            return bool(a == b)
        except Exception:
            return False

    def type_name(self, cls):
        """Its model type, or its own name where it shares one or has none."""
        kind = cls.model_type
        name = kind if kind in CONFIG_MAPPING and CONFIG_MAPPING[kind] is cls else cls.__name__
        self.types.setdefault(name, cls)
        if name not in self.docs and name not in self.bare:
            self.bare.append(name)
        return name

    def type_at(self, config, path):
        for p in path.rstrip(".").split("."):
            config = getattr(config, p)
        return self.type_name(type(config))

    # ---- classes
    def trace(self, kind, cls, args):
        doc = self.docs[kind]
        tracing.reset()
        evaluate.VALUES.clear()
        tracing.EXTRA.clear()
        tracing.NULLABLE.clear()
        config = self.build(self.types[kind], "", {}, doc)
        tracing.NOTES.clear()
        model = cls(config, **dict(args))
        items = []
        self.model, self.kind, self.seen = model, kind, set()
        doc["extra"] = sorted({*doc["extra"], *tracing.EXTRA.get("", ())})
        for path, names in tracing.EXTRA.items():
            if path:
                self.extra.setdefault(self.type_at(config, path), set()).update(names)
        ties = self.ties(model)
        self.collect(model, "", (), items, ties, True)
        for n in tracing.NOTES:
            if n[0] in ("decided", "default-side-failed"):
                self.problems.append((kind, cls.__name__, *n))
        needs = []
        for ctx, e, v in tracing.REQUIRES:
            if not any(x[0] == "for" for x in ctx) and (ctx, {"need": e, "is": v}) not in needs:
                needs.append((ctx, {"need": e, "is": v}))
        return self.tree(needs + items)

    def ties(self, model):
        """Names of tied tensors → the condition under which they are."""
        out = {}
        for prefix, m in model.named_modules(remove_duplicate=False):
            if not isinstance(m, mu.PreTrainedModel) or (m is not model and self.reference(m)):
                continue
            keys = m._tied_weights_keys
            tie = getattr(m.config, "tie_word_embeddings", False)
            path = m.config.__dict__.get("_gm_path", "")
            if tie is True and not is_symbol(tie) and "tie_word_embeddings" in {f.name for f in dataclasses.fields(m.config)} and "_gm_path" in m.config.__dict__:
                tie = symbol(path + "?tie_word_embeddings", True)   # files with a head of their own stay untied
                self.docs[self.kind]["fields"].setdefault("tie_word_embeddings", True)
            if not keys or not isinstance(keys, dict) or (not is_symbol(tie) and not tie):
                continue
            c = tracing.truth(tie) if is_symbol(tie) else True
            forced = is_symbol(tie) and tie.expr == path + "?tie_word_embeddings"
            names = [n for n, _ in m.named_parameters(remove_duplicate=False)]
            for target, source in keys.items():
                found = [n for n in names if re.search("^" + target, n)]
                from_ = [n for n in names if re.search("^" + source, n)]
                if not from_:
                    continue
                for n in found:
                    if n not in from_:
                        out[(prefix + "." if prefix else "") + n] = True if forced and "head" not in n else c
        return out

    def reference(self, m):
        call = m.__dict__.get("_gm_call")
        if call is None:
            return None
        cls, a, k = call
        config = a[0] if a else k.get("config")
        if not isinstance(config, cu.PreTrainedConfig) or len(a) > 1 or not self.pristine(config):
            return None
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
                tie = ties.get(self.real(full), False)
                if tie is True:
                    continue
                if tie is not False:
                    g = (*g, ("if", negate(tie)))
                items.append((self.context(q._gm_ctx, g), [self.shown(full, q._gm_ctx), *q._sym]))
        for n, child in m._modules.items():
            if child is not None:
                self.collect(child, f"{name}.{n}" if name else n, guards, items, ties)

    def real(self, name):
        return name

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

    def want(self, kind, cls, args, variant):
        if (kind, variant) not in self.done:
            self.done.add((kind, variant))
            self.todo.append((kind, cls, tuple(sorted(args.items())), variant))

    # ---- all of them
    def doc(self, kind):
        if kind in self.docs:
            return
        cls = self.types.get(kind) or CONFIG_MAPPING[kind]
        self.types[kind] = cls
        self.docs[kind] = {"fields": {}, "aliases": {}, "let": {}, "configs": {}, "auto": {}, "extra": [], "main": None, "classes": {}}
        for old, now in (cls.attribute_map or {}).items():
            self.docs[kind]["aliases"].setdefault(now, []).append(old)
            self.docs[kind]["aliases"].setdefault(old, []).append(now)

    def classes_of(self, kind):
        cls = self.types[kind]
        found = {}
        for n in dir(modeling_auto):
            if not n.endswith("_MAPPING") or not n.startswith("MODEL"):
                continue
            mapping = getattr(modeling_auto, n)
            try:
                if cls in mapping:
                    got = mapping[cls]
                    for g in got if isinstance(got, (list, tuple)) else [got]:
                        found.setdefault(g.__name__, g)
                        self.docs[kind]["auto"].setdefault(n, g.__name__)
            except Exception:
                pass
        module = cls.__module__.replace("configuration_", "modeling_")
        try:
            m = importlib.import_module(module)
            for g in vars(m).values():
                if inspect.isclass(g) and issubclass(g, mu.PreTrainedModel) and getattr(g, "config_class", None) is cls \
                        and not g.__name__.endswith("PreTrainedModel") and g.__module__ == module:
                    found.setdefault(g.__name__, g)
        except ModuleNotFoundError:
            pass
        return found

    def kinds(self, only):
        return only or list(CONFIG_MAPPING_NAMES)

    def add(self, part):
        """Takes over what another process found."""
        for kind, doc in part["docs"].items():
            mine = self.docs.setdefault(kind, doc)
            for key in ("fields", "let", "configs", "classes", "auto"):
                mine[key].update({k: v for k, v in doc[key].items() if k not in mine[key]})
            mine["extra"] = sorted({*mine["extra"], *doc["extra"]})
        self.problems += part["problems"]

    def run(self, kinds):
        for kind in kinds:
            try:
                if CONFIG_MAPPING[kind].model_type != kind and kind not in ("gpt-sw3",):
                    continue
                if CONFIG_MAPPING[kind].model_type != kind:
                    continue
                self.doc(kind)
                for n, g in self.classes_of(kind).items():
                    if not SKIPPED.search(n):
                        self.want(kind, g, {}, n)
            except Exception as e:
                self.problems.append((kind, "import", repr(e)[:300]))
        while self.todo or self.bare:
            if not self.todo:   # configurations that no class of their own was traced for
                kind = self.bare.pop()
                if kind not in self.docs:
                    self.doc(kind)
                    tracing.reset()
                    self.build(self.types[kind], "", {}, self.docs[kind])
                continue
            kind, cls, args, variant = self.todo.pop(0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 20)
            try:
                self.doc(kind)
                if not self.docs[kind]["auto"]:
                    self.classes_of(kind)
                self.docs[kind]["classes"][variant] = self.trace(kind, cls, args)
            except (Exception, Late) as e:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                tb = traceback.extract_tb(e.__traceback__)
                where = next((f"{f.filename.split('/')[-1]}:{f.lineno}" for f in reversed(tb) if "models" in f.filename), "")
                here = f"{tb[-1].filename.split('/')[-1]}:{tb[-1].lineno}"
                self.problems.append((kind, variant, "failed", repr(e)[:300], where, here))
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        for kind, names in self.extra.items():
            if kind in self.docs:
                self.docs[kind]["extra"] = sorted({*self.docs[kind]["extra"], *names})

    def complete(self):
        """Configurations that no class was traced for still have fields that others read."""
        for kind, doc in list(self.docs.items()):
            if doc["fields"] or doc["classes"]:
                continue
            try:
                tracing.reset()
                self.types.setdefault(kind, CONFIG_MAPPING[kind] if kind in CONFIG_MAPPING else None)
                self.build(self.types[kind], "", {}, doc)
            except Exception as e:
                self.problems.append((kind, "configuration", "failed", repr(e)[:200]))

    def finish(self):
        autos = {}
        for n in dir(modeling_auto):
            g = getattr(modeling_auto, n)
            if inspect.isclass(g) and n.startswith("AutoModel") or n == "AutoBackbone":
                mapping = getattr(g, "_model_mapping", None)
                for m in dir(modeling_auto):
                    if m.endswith("_MAPPING") and getattr(modeling_auto, m) is mapping:
                        autos[n] = m
        for kind, doc in self.docs.items():
            found = doc["auto"]
            main = next((found[k] for o in ORDER for k in (f"MODEL_FOR_{o}_MAPPING",) if found.get(k) in doc["classes"]), None)
            doc["main"] = main or found.get("MODEL_MAPPING") or next(iter(doc["classes"]), None)
            doc["auto"] = {n: found[m] for n, m in autos.items() if m in found and found[m] in doc["classes"]}
