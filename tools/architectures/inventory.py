"""Traces each class of the framework on symbolic configurations and writes down what it holds."""
import importlib
import inspect
import signal
import traceback

import transformers.configuration_utils as cu
import transformers.modeling_utils as mu
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING, CONFIG_MAPPING_NAMES

import evaluate
import tracing
from configurations import Configurations
from symbols import plain, symbol
from tensors import Tensors

ORDER = ["CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ", "TEXT_TO_WAVEFORM",
         "MASKED_LM", "PRETRAINING", "IMAGE_CLASSIFICATION", "CTC"]


def labels(c):
    if "_gm_set_labels" in c.__dict__:
        return c.__dict__["_gm_set_labels"]
    return symbol(c.__dict__["_gm_path"] + "num_labels", c.__dict__.get("_gm_labels", 2)) if "_gm_path" in c.__dict__ else 2


def set_labels(c, v):
    """By its class's defaults, or by a model for its own head."""
    c.__dict__["_gm_set_labels" if "_gm_snapshot" in c.__dict__ else "_gm_labels"] = plain(v) if v is not None else 2


class Late(BaseException):
    """Not an Exception: a condition's side that takes too long must not count as one that cannot be taken."""


def _late(*_):
    raise Late("took too long")


signal.signal(signal.SIGVTALRM, _late)


class Tracer(Configurations, Tensors):
    def __init__(self):
        self.docs, self.problems, self.todo, self.done = {}, [], [], set()
        self.extra, self.types, self.bare = {}, {}, []
        self.stack = []
        cu.SubConfigSpec.create_subconfig = self.create_subconfig_for()
        cu.PreTrainedConfig.num_labels = property(labels, set_labels)

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

    def want(self, kind, cls, args, variant):
        if (kind, variant) not in self.done:
            self.done.add((kind, variant))
            self.todo.append((kind, cls, tuple(sorted(args.items())), variant))

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
                if CONFIG_MAPPING[kind].model_type != kind:
                    continue
                self.doc(kind)
                for n, g in self.classes_of(kind).items():
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
