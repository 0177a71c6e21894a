"""Fields that a configuration takes by keyword, beside those that its class declares."""
import evaluate
from symbols import boolean, is_symbol, plain, symbol
from tracing import FIELDS, NULLABLE, scalar


def gm_haskw(owner, kwargs, key):
    path = getattr(owner, "__dict__", {}).get("_gm_path")
    if path is None or key in kwargs:
        return key in kwargs
    return boolean(["has", path + "?" + key], False)


def _kind(key):
    if "pattern" in key or key.endswith(("_type", "_mode", "_act")):
        return "str"
    return "list" if key.endswith(("ratios", "layers", "types", "list", "sizes", "indices", "idxs", "channels")) else "int"


IGNORED = ("rope", "attn_implementation", "experts_implementation", "torch_dtype", "dtype", "config", "token", "dropout", "label", "backbone")
OUTPUTS = ("out_features", "out_indices")   # lists wherever they are given


def gm_kwarg(owner, kwargs, key, *given):
    path = getattr(owner, "__dict__", {}).get("_gm_path")
    if key in OUTPUTS and path is not None:
        value = kwargs.pop(key, None)
        FIELDS[key], evaluate.VALUES[path + "?" + key] = None, value
        NULLABLE.add(path + "?" + key)
        return symbol(path + "?" + key, value, "list")
    if key in kwargs:
        return kwargs.pop(key)
    default = given[0] if given else None
    if path is None or not scalar(default) or key.startswith("_") or any(i in key for i in IGNORED):
        return default
    if is_symbol(default):
        FIELDS[key] = evaluate.VALUES[path + "?" + key] = None
        return symbol(["given", path + "?" + key, default.expr], plain(default), _kind(key))
    evaluate.VALUES[path + "?" + key] = plain(default)
    if default is None:
        FIELDS[key] = None
        NULLABLE.add(path + "?" + key)
        return symbol(path + "?" + key, None, _kind(key))
    FIELDS[key] = plain(default)
    return symbol(path + "?" + key, plain(default))
