"""The names that rewritten code calls."""
import functools

import torch
from torch import nn

import branches
import builtin_calls
import keywords
import loops
import recurrences
import tracing
from symbols import plain


def held(model):
    """Which tensors a model has, where; it may be changed by whoever made it."""
    return {n: id(p) for n, p in model.named_parameters(remove_duplicate=False)}


def not_first(modules, key):
    """The first of a list loses a part; of a loop's rounds one stands for all."""
    loops_ = [c[1] for c in modules[0].__dict__.get("_gm_ctx", ()) if c[0] == "for"]
    if loops_:
        getattr(modules[0], key).__dict__["_gm_later"] = loops_[-1]
    else:
        setattr(modules[0], key, None)


def tail(x):
    """All but the first; of a loop's rounds one stands for all."""
    made = [c[1] for c in x[0].__dict__.get("_gm_ctx", ()) if c[0] == "for"] if isinstance(x, list) and len(x) == 1 and isinstance(x[0], nn.Module) else []
    if not made:
        return x[1:]
    x[0].__dict__["_gm_later"] = made[-1]
    return x


def ctor(init):
    @functools.wraps(init)
    def wrapped(self, *a, **k):
        if isinstance(self, nn.Module) and "_gm_call" not in self.__dict__:
            self.__dict__["_gm_call"] = (type(self), a, k)
        init(self, *a, **k)
        if hasattr(type(self), "base_model_prefix"):
            self.__dict__["_gm_made"] = held(self)
    return wrapped


def gm_tensor(*a, **k):
    """torch.Tensor(…): so many numbers, or the numbers given."""
    return torch.empty(*a) if all(isinstance(x, int) for x in a) else torch.as_tensor(plain(a[0]))


HOOKS = {
    "_gm_not_first": not_first, "_gm_tail": tail,
    "_gm_tensor": gm_tensor, "_gm_ctor": ctor, "_gm_bool": tracing.gm_bool, "_gm_symbolic": tracing.symbolic,
    "_gm_fork": branches.fork, "_gm_side": branches.side, "_gm_side_end": branches.side_end, "_gm_fail": branches.fail,
    "_gm_old": branches.old, "_gm_new": branches.new, "_gm_join": branches.fork_join, "_gm_ife": branches.gm_ife,
    "_gm_or": branches.gm_or, "_gm_and": branches.gm_and, "_gm_not": branches.gm_not, "_gm_isnone": branches.gm_isnone,
    "_gm_is": branches.gm_is, "_gm_in": branches.gm_in, "_gm_item": branches.gm_item,
    "_gm_leave": tracing.leave, "_gm_recur": recurrences.Recurrence, "_gm_rounds": recurrences.rounds, "_gm_carried": recurrences.carried, "_gm_round_end": recurrences.round_end,
    "_gm_round_failed": recurrences.round_failed, "_gm_after": recurrences.after,
    "_gm_unroll": loops.unroll, "_gm_loop": loops.loop, "_gm_comp": loops.comp,
    "_gm_kwarg": keywords.gm_kwarg, "_gm_haskw": keywords.gm_haskw,
    "_gmf_int": builtin_calls.f_int, "_gmf_float": builtin_calls.f_float, "_gmf_bool": builtin_calls.f_bool,
    "_gmf_max": builtin_calls.extreme("max", max), "_gmf_min": builtin_calls.extreme("min", min), "_gmf_sum": builtin_calls.f_sum,
    "_gmf_isinstance": builtin_calls.f_isinstance, "_gmf_getattr": builtin_calls.f_getattr,
    "_gmf_any": builtin_calls.f_any, "_gmf_all": builtin_calls.f_all,
    "_gmf_len": loops.f_len, "_gmf_range": loops.f_range, "_gmf_enumerate": loops.f_enumerate, "_gmf_zip": loops.f_zip,
    "_gmf_list": loops.f_list, "_gmf_tuple": loops.f_tuple, "_gmf_reversed": loops.f_reversed,
}
