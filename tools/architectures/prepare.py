"""Prepares the framework: no validation, no initialisation, tensors that remember the expressions of their shapes."""
import dataclasses
import math

import huggingface_hub.dataclasses as hub
import numpy
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

import tracing
import evaluate
from symbols import SymBool, SymList, expr, is_symbol, plain, symbol


def _strict(cls=None, **_):
    return cls if cls is not None else (lambda c: c)


def concrete(v):
    if isinstance(v, (list, tuple, torch.Size)):
        return tuple(max(0, int(plain(x) or 0)) for x in v)
    return max(0, int(plain(v) or 0))


def dims(v):
    return [expr(x) for x in (v if isinstance(v, (list, tuple)) else [v])]


def sized(f, value_after=0):
    def made(*size, **kw):
        values = size[1:] if value_after and isinstance(size[0], (list, tuple)) else ()
        shape = size[0] if size and isinstance(size[0], (list, tuple, torch.Size)) else size
        if "size" in kw:
            shape = kw.pop("size")
        kw.pop("device", None)
        t = f(concrete(tuple(shape)), *values, device="meta", **kw)
        t._sym = dims(list(shape))
        return t
    return made


class Shapes(TorchFunctionMode):
    """Carries expressions of shapes through operations, extent by extent where they agree."""
    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and not hasattr(out, "_sym"):
            stack, known, same = [*args, *(kwargs or {}).values()], {}, None
            while stack:
                a = stack.pop()
                if isinstance(a, (list, tuple)):
                    stack.extend(a)
                elif isinstance(a, torch.Tensor) and hasattr(a, "_sym") and len(a._sym) == a.dim():
                    if a.shape == out.shape:
                        same = same or a._sym
                    known.update(zip(a.shape, a._sym))
                elif is_symbol(a) and isinstance(a, int):
                    known.setdefault(int(plain(a) or 0), a.expr)
            out._sym = same or [known.get(n, n) if n != 1 else 1 for n in out.shape]
        return out


def _guarded(cls, *flags):
    """A layer whose flag is symbolic is made with it, its tensors under the flag's guard."""
    import inspect
    init = cls.__init__
    names = list(inspect.signature(init).parameters)[1:]

    def wrapped(self, *a, **k):
        k.update(zip(names, a))
        if isinstance(k.get("padding"), str) and k["padding"] not in ("same", "valid"):
            k["padding"] = 0
        guards = {f: k[f] for f in flags if is_symbol(k.get(f))}
        for f, v in k.items():
            if isinstance(v, SymBool):
                k[f] = True if f in guards else bool(plain(v))
        init(self, **k)
        for f, v in guards.items():
            for n, p in self._parameters.items():
                if p is not None and (f != "bias" or "bias" in n):
                    p._gm_ctx = (*p._gm_ctx, ("if", tracing.truth(v)))
    cls.__init__ = wrapped


def install():
    hub.strict = _strict
    for n in ("empty", "zeros", "ones", "randn", "rand"):
        setattr(torch, n, sized(getattr(torch, n)))
    torch.full = sized(torch.full, 1)
    make = nn.Parameter.__new__

    def parameter(cls, data=None, requires_grad=True):
        if data is None:
            data = torch.empty(0)
        p = make(cls, data, requires_grad and data.is_floating_point())
        p._sym = getattr(data, "_sym", [int(n) for n in data.shape])
        p._gm_ctx = tuple(tracing.CTX)
        return p
    nn.Parameter.__new__ = parameter

    def copied(self, memo):
        p = memo[id(self)] = nn.Parameter(self.data, self.requires_grad)
        p._sym, p._gm_ctx = self._sym, self._gm_ctx
        return p
    nn.Parameter.__deepcopy__ = copied
    module_init = nn.Module.__init__

    def init(self, *a, **k):
        module_init(self)
        self.__dict__["_gm_ctx"] = tuple(tracing.CTX)
    nn.Module.__init__ = init
    for cls in (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.LSTM, nn.GRU, nn.MultiheadAttention):
        if cls not in (nn.LSTM, nn.GRU):
            _guarded(cls, "bias")
    for cls in (nn.LayerNorm, nn.RMSNorm):
        _guarded(cls, "elementwise_affine", "bias")
    for cls in (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm):
        _guarded(cls, "affine")
    for cls in (nn.Linear, nn.Bilinear, nn.Embedding, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.conv._ConvNd,
                nn.modules.batchnorm._NormBase, nn.modules.rnn.RNNBase):
        cls.reset_parameters = lambda self: None
        if hasattr(cls, "_fill_padding_idx_with_zero"):
            cls._fill_padding_idx_with_zero = lambda self: None
    embedding = nn.Embedding.__init__

    def plain_embedding(self, num_embeddings, embedding_dim, padding_idx=None, *a, **k):
        embedding(self, num_embeddings, embedding_dim, None, *a, **k)
        self.padding_idx = padding_idx
    nn.Embedding.__init__ = plain_embedding
    for n in dir(nn.init):
        if n.endswith("_") and not n.startswith("_"):
            setattr(nn.init, n, lambda t, *a, **k: t)
    nn.modules.activation.MultiheadAttention._reset_parameters = lambda self: None
    torch.Tensor.item = lambda self: 0.0   # values are never looked at
    torch.Tensor.tolist = lambda self: _zeros(self.shape, 0.0 if self.is_floating_point() else 0)
    torch.Tensor.__bool__ = lambda self: False
    torch.set_default_device("meta")
    find = nn.Module.get_submodule

    def get_submodule(self, target):   # of a list whose modules stand for all rounds of a loop, the places past its end are the same
        try:
            return find(self, target)
        except AttributeError:
            return nn.Module()
    nn.Module.get_submodule = get_submodule
    Shapes().__enter__()
    numpy.prod = _product(numpy.prod)
    math.prod = _product(math.prod)
    _timm()
    _framework()
    _backbones()


def _zeros(shape, zero):
    return [_zeros(shape[1:], zero) for _ in range(min(shape[0], 4096))] if len(shape) else zero


def _product(multiply):
    times = math.prod

    def product(x, *a, **k):
        return symbol(["prod", x.expr], times(plain(x))) if isinstance(x, SymList) else multiply(x, *a, **k)
    return product


class TimmModel(nn.Module):
    """A model of timm as it is by its name: nothing of it depends on a configuration."""


def _timm():
    try:
        import timm
    except ImportError:
        return
    make = timm.create_model

    def create(name, *a, **k):
        """The one that the configuration names by default; others are not known."""
        if not is_symbol(name):
            return make(name, *a, **k)
        k = {n: plain(v) for n, v in k.items()}
        tracing.REQUIRES.append((tuple(tracing.CTX), ["if", ["==", name.expr, ["'", plain(name)]], 1, 0], 1))
        made = make(plain(name), *a, **k)
        made.__dict__["_gm_plain"] = True
        return made
    timm.create_model = create


def _backbones():
    """Which stages a backbone gives out, and their widths; names of stages end with their number."""
    from transformers import backbone_utils as bu

    def set_output(self, out_features, out_indices):
        if not hasattr(self, "_gm_path"):
            self._out_features, self._out_indices = out_features, out_indices
            return
        path, names = self.__dict__["_gm_path"], self.stage_names
        count = symbol(["len", expr(names)], len(names)) if is_symbol(names) else len(names)
        f, i = out_features, out_indices
        given_f, given_i = plain(f), plain(i)
        j, k = tracing.fresh(), tracing.fresh()
        by_index = ["map", j, ["len", expr(i)], ["%", ["at", expr(i), j], expr(count)]]
        place = ["ordinal", ["at", expr(f), k]]
        by_name = ["map", k, ["len", expr(f)], place if names[0] == "stem" else ["-", place, 1]]
        last = ["list", ["-", expr(count), 1]]
        where = ["if", ["isnone", expr(i)], ["if", ["isnone", expr(f)], last, by_name], by_index]
        plain_names = plain(names)
        if given_i is not None:
            at = [n % len(plain_names) for n in given_i]
        else:
            at = [plain_names.index(n) for n in given_f] if given_f is not None else [len(plain_names) - 1]
        self._out_indices = symbol(where, at)
        self._out_features = symbol(where, [plain_names[n] for n in at])
        evaluate.VALUES[path + "_out_indices"] = at
    bu.BackboneConfigMixin.set_output_features_output_indices = set_output
    bu.BackboneConfigMixin.verify_out_features_out_indices = lambda self: None

    def channels(self):
        widths, at = self.num_features, self.config._out_indices
        if not is_symbol(at):
            return [widths[i] for i in at]
        j = tracing.fresh()
        found = plain(widths)
        return symbol(["map", j, ["len", at.expr], ["at", expr(widths), ["at", at.expr, j]]], [plain(found[i]) for i in plain(at)])
    bu.BackboneMixin.channels = property(channels)


def _framework():
    import transformers.utils
    import transformers.utils.import_utils
    transformers.utils.requires_backends = transformers.utils.import_utils.requires_backends = lambda *a, **k: None
    import transformers.configuration_utils as cu
    import transformers.modeling_utils as mu
    from transformers.models.auto import auto_factory

    def remap(layer_types=None, config=None):
        for key in ("layer_types", "mtp_layer_types"):
            if isinstance(config.__dict__.get(key), SymList):
                v = config.__dict__[key]
                names = [cu._LEGACY_LAYER_TYPE_REMAP.get(x, x) for x in plain(v) or []]
                made = symbol(["remap", v.expr], names if plain(v) is not None else None, "list")
                config.__dict__[key] = made
    cu.remap_legacy_layer_types = remap

    post_init = cu.PreTrainedConfig.__post_init__

    def base_post_init(self, **kwargs):
        """What a file has beside the class's fields is set last: it wins over what the class has computed till then."""
        post_init(self, **kwargs)
        path = self.__dict__.get("_gm_path")
        fields = {f.name for f in dataclasses.fields(self)}
        for k, v in list(self.__dict__.items()):
            if path is None or k in fields or k in self.attribute_map.values() or k.startswith("_") or not isinstance(v, (int, list)) or k == "stage_names":
                continue
            if not is_symbol(v) and (k not in kwargs or not tracing.scalar(v)):
                continue
            tracing.EXTRA.setdefault(path, set()).add(k)
            self.__dict__[k] = symbol(["given", path + "?" + k, expr(v)], plain(v))
    cu.PreTrainedConfig.__post_init__ = base_post_init
    from transformers.models.mimi.configuration_mimi import MimiConfig
    MimiConfig.frame_size = property(lambda c: 2 * math.prod(c.upsampling_ratios))   # its product of all strides, of which the others are 1

    def model_init(self, config, *a, **k):
        nn.Module.__init__(self)
        self.config = config
        self.name_or_path, self.loss_type, self.generation_config = "", None, None
        self.kernel_config = None
    mu.PreTrainedModel.__init__ = model_init
    mu.PreTrainedModel.post_init = lambda self: None
    mu.PreTrainedModel.init_weights = lambda self: None
    mu.PreTrainedModel.tie_weights = lambda self, *a, **k: None
    mu.PreTrainedModel._from_config = classmethod(lambda cls, config, **k: cls(config))

    def from_config(cls, config, **k):
        k = {n: v for n, v in k.items() if n not in ("trust_remote_code", "dtype", "torch_dtype", "attn_implementation", "experts_implementation")}
        mapping = cls._model_mapping
        if type(config) not in mapping:
            raise ValueError(f"no {cls.__name__} for {type(config).__name__}")
        found = mapping[type(config)]
        made = (found[0] if isinstance(found, (list, tuple)) else found)(config, **k)
        made.__dict__["_gm_auto"] = cls.__name__
        return made
    auto_factory._BaseAutoModelClass.from_config = classmethod(from_config)
    auto_factory._BaseAutoBackboneClass.from_config = classmethod(from_config) if hasattr(auto_factory, "_BaseAutoBackboneClass") else None
