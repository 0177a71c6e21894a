"""Configurations whose fields are symbols."""
import dataclasses
import inspect
import re

import transformers.configuration_utils as cu
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import evaluate
import tracing
from symbols import expr, is_symbol, plain, symbol
from tracing import scalar

COMMON = {"transformers_version", "architectures", "dtype", "id2label", "label2id", "problem_type", "return_dict",
          "output_hidden_states", "chunk_size_feed_forward"}
UNSIZED = {"use_bidirectional_attention"}   # what a model may set for its parts: no tensor's extent depends on it


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


class Configurations:
    """The part of Tracer that makes them."""

    def create_subconfig_for(tracer):
        def create(spec, key, subconfig=None, **kwargs):
            if isinstance(subconfig, cu.PreTrainedConfig):
                return subconfig, kwargs
            auto = not issubclass(spec.config_class, cu.PreTrainedConfig)
            cls = CONFIG_MAPPING[spec.model_type] if auto else spec.config_class
            init = dict(spec.init_kwargs)
            parent = tracer.stack[-1]
            if isinstance(subconfig, tracing.Alternatives):
                subconfig = subconfig.cases[0][1]
            if isinstance(subconfig, dict) and subconfig.get("model_type") == "timm_backbone":   # what older files mean
                cls, init = CONFIG_MAPPING["timm_backbone"], {k: v for k, v in subconfig.items() if k != "model_type"}
                field = parent[0] + "?backbone"
                tracing.EXTRA.setdefault(parent[0], set()).add("backbone")
                same = ["or", ["not", ["has", field]], ["isnone", field], ["==", field, ["'", init["backbone"]]]]
                tracing.REQUIRES.append(((), ["if", same, 1, 0], 1))
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
        """Whether it is as it was made; what a model writes into it that its class has no field for is no change."""
        snap = c.__dict__.get("_gm_snapshot")
        fields = {f.name for f in dataclasses.fields(c)}
        return snap is not None and all(k in UNSIZED or c.__dict__.get(k) is v or self.same(c.__dict__.get(k), v) for k, v in snap.items()) \
            and all(k in snap for k in c.__dict__ if not k.startswith("_") and k not in COMMON and k in fields)

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
