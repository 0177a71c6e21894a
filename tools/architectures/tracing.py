"""What rewritten code calls: both sides of a condition are run, each under its guard; a loop of unknown length once."""
import builtins
import collections

import torch
from torch import nn

import evaluate
from symbols import SymBool, SymFloat, SymInt, SymList, SymRange, SymStr, UNDEFINED, boolean, expr, is_symbol, plain, symbol

CTX = []          # what the running code depends on: ("for", variable, count) and ("if", condition)
NOTES = []        # where something was decided by its default, or failed
REQUIRES = []     # lengths that an unrolled loop relies on
NULLABLE = set()  # fields that may be null
EXTRA = {}        # names that a configuration may carry beside its fields
FIELDS = {}       # fields asked for by keyword: name → default
_vars = [0]
_logic = {"==", "<", "not", "and", "or", "isnone", "contains", "truthy", "starts"}


def reset():
    for state in (CTX, NOTES, REQUIRES):
        state.clear()
    _vars[0] = 0


def fresh():
    _vars[0] += 1
    return f"${_vars[0]}"


def isnone(e):
    if e is None:
        return True
    if isinstance(e, str):
        return ["isnone", e] if e in NULLABLE else False
    if isinstance(e, list) and e[0] == "if":
        return ite(e[1], isnone(e[2]), isnone(e[3]))
    if isinstance(e, list) and e[0] == "remap":
        return isnone(e[1])
    if isinstance(e, list) and e[0] == "given":
        return isnone(e[2])
    if isinstance(e, list) and e[0] == "at":
        return ["isnone", e]
    return False


def negate(c):
    if isinstance(c, bool):
        return not c
    return c[1] if isinstance(c, list) and c[0] == "not" else ["not", c]


def ite(c, a, b):
    if c is True or a == b:
        return a
    if c is False:
        return b
    if a is True and b is False:
        return c
    if a is False and b is True:
        return negate(c)
    if a is True:
        return ["or", c, b]
    if a is False:
        return ["and", negate(c), b]
    if b is True:
        return ["or", negate(c), a]
    if b is False:
        return ["and", c, a]
    return ["if", c, a, b]


def truth(x):
    """The condition that something symbolic is true in Python's sense."""
    e = expr(x)
    if isinstance(e, bool):
        return e
    if e is None:
        return False
    if isinstance(e, (int, float)):
        return e != 0
    if isinstance(e, list) and e[0] in _logic:
        return e
    if isinstance(e, list) and e[0] == "'":
        return e[1] != ""
    if isinstance(e, list) and e[0] == "if":
        return ite(e[1], truth_of(e[2]), truth_of(e[3]))
    return ["truthy", e]


def truth_of(e):
    return truth(symbol(e, 1)) if not isinstance(e, (bool, int, float, type(None))) else bool(e)


def scalar(v):
    if v is None or is_symbol(v) or isinstance(v, (bool, int, float, str)):
        return True
    return isinstance(v, (list, tuple)) and all(scalar(x) for x in v)


class Alternatives:
    """Classes, functions and the like, of which a condition chooses one."""
    def __init__(self, cases):
        self.cases = cases

    def __call__(self, *args, **kwargs):
        made = []
        for c, f in self.cases:
            ok, v = attempt(c, lambda f=f: f(*args, **kwargs))
            if ok:
                made.append((c, v))
        if not made:
            raise RuntimeError("no alternative could be made")
        out = made[-1][1]
        for c, v in made[-2::-1]:
            out = join(c, v, out)
        return out

    def __getattr__(self, key):
        if key.startswith("__"):
            raise AttributeError(key)
        return getattr(self.cases[0][1], key)

    def __getitem__(self, i):
        return self.cases[0][1][i]


class AltModule(nn.Module):
    def __init__(self, cases):
        super().__init__()
        self.__dict__["_gm_cases"] = cases

    def __getattr__(self, key):
        for _, m in self.__dict__["_gm_cases"]:
            if hasattr(m, key):
                return getattr(m, key)
        raise AttributeError(key)

    def __getitem__(self, i): return self._gm_cases[0][1][i]
    def __len__(self): return len(self._gm_cases[0][1])
    def __iter__(self): return iter(self._gm_cases[0][1])


def join(c, a, b):
    if a is b or b is UNDEFINED:
        return a
    if a is UNDEFINED:
        return b
    if isinstance(c, bool):
        return a if c else b
    if scalar(a) and scalar(b):
        ea, eb = expr(a), expr(b)
        if ea == eb and type(plain(a)) is type(plain(b)):
            return a
        e = ite(c, ea, eb)
        kind = next((k for v in (a, b) if plain(v) is not None for k, t in (("bool", bool), ("int", int), ("float", float), ("str", str), ("list", (list, tuple))) if isinstance(plain(v), t)), None)
        return symbol(e, plain(a) if decide(c) else plain(b), kind)
    if isinstance(a, nn.Module) or isinstance(b, nn.Module):
        cases = [(g, v) for g, v in ((c, a), (negate(c), b)) if isinstance(v, nn.Module)]
        return AltModule(cases)
    if isinstance(a, nn.Parameter) or isinstance(b, nn.Parameter):
        made = a if isinstance(a, nn.Parameter) else b
        made.__dict__.setdefault("_gm_alts", [])
        made._gm_alts = [(g, v) for g, v in ((c, a), (negate(c), b)) if isinstance(v, nn.Parameter)]
        return made
    if a is None or b is None:
        return Alternatives([(negate(c), b) if a is None else (c, a)])
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return {k: join(c, a[k], b[k]) for k in a}
    if isinstance(a, list) and isinstance(b, list) and any(isinstance(x, nn.Module) for x in [*a, *b]):
        return [*a, *[x for x in b if not any(x is y for y in a)]]   # each was made under its guard
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return type(a)(join(c, x, y) for x, y in zip(a, b))
    if callable(a) and callable(b):
        return Alternatives([(c, a), (negate(c), b)])
    return a if decide(c) else b


def decide(c):
    return evaluate.decide_by_defaults(c)


def attempt(c, f):
    if c is False:
        return False, None
    depth = len(CTX)
    CTX.append(("if", c))
    try:
        return True, f()
    except Exception as e:   # that side cannot be taken
        NOTES.append(("side", str(e)[:100]))
        return False, None
    finally:
        del CTX[depth:]


def symbolic(c):
    return is_symbol(c) and not isinstance(truth(c), bool)


def gm_bool(c):
    if symbolic(c):
        NOTES.append(("decided", truth(c)))
        return bool(plain(c))
    if is_symbol(c):
        return truth(c)
    return c


class Fork:
    pass


def _state(o):
    d = dict(o.__dict__)
    for k in ("_modules", "_parameters", "_buffers"):
        if k in d:
            d[k] = dict(d[k])
    if "_gm_path" in d:   # a configuration's records may be written to on one side
        d.update({k: dict(v) for k, v in d.items() if type(v) is dict and not k.startswith("_gm")})
    return d


def _restore(o, d):
    o.__dict__.clear()
    o.__dict__.update({k: dict(v) if k in ("_modules", "_parameters", "_buffers") else v for k, v in d.items()})


def fork(c, scope):
    f = Fork()
    f.c = truth(c)
    f.owners = [o for k, o in scope.items() if k in ("self", "config") and hasattr(o, "__dict__") and not isinstance(o, type)]
    f.base = [_state(o) for o in f.owners]
    f.scope, f.sides, f.depth, f.errors = dict(scope), {}, len(CTX), {}
    return f


def side(f, which):
    f.now = which
    CTX.append(("if", f.c if which else negate(f.c)))


def fail(f, e):
    f.errors[f.now] = e


def side_end(f, scope):
    del CTX[f.depth:]
    f.sides[f.now] = (dict(scope), [_state(o) for o in f.owners])
    for o, base in zip(f.owners, f.base):
        _restore(o, base)


def old(f, key):
    return f.scope.get(key, UNDEFINED)


def fork_join(f):
    if len(f.errors) == 2:
        raise f.errors[decide(f.c)]
    if f.errors:
        failed = next(iter(f.errors))
        NOTES.append(("impossible" if decide(f.c) != failed else "default-side-failed", str(f.errors[failed])[:150], f.c))
        f.c = not failed
    for o, a, b in zip(f.owners, f.sides[True][1], f.sides[False][1]):
        _merge(f, o, a, b)


def _merge(f, owner, a, b):
    merged = {}
    for k in [*a, *[k for k in b if k not in a]]:
        x, y = a.get(k, UNDEFINED), b.get(k, UNDEFINED)
        if k in ("_modules", "_parameters", "_buffers") and isinstance(x, dict) and isinstance(y, dict):
            merged[k] = {n: join(f.c, x.get(n, UNDEFINED), y.get(n, UNDEFINED)) if k != "_buffers" else (x.get(n) if n in x else y[n])
                         for n in [*x, *[n for n in y if n not in x]]}
        else:
            merged[k] = join(f.c, x, y)
    _restore(owner, merged)


def new(f, key):
    v = join(f.c, f.sides[True][0].get(key, UNDEFINED), f.sides[False][0].get(key, UNDEFINED))
    return v


def gm_ife(c, a, b):
    if not symbolic(c):
        return a() if gm_bool(c) else b()
    t = truth(c)
    oka, va = attempt(t, a)
    okb, vb = attempt(negate(t), b)
    if not oka and not okb:
        return a() if plain(c) else b()
    return join(t, va, vb) if oka and okb else va if oka else vb


def gm_or(first, *rest):
    a = first()
    if not rest:
        return a
    if not symbolic(a):
        return a if gm_bool(a) else gm_or(*rest)
    t = truth(a)
    ok, b = attempt(negate(t), lambda: gm_or(*rest))
    if not ok:
        return a
    if isinstance(a, SymBool) and isinstance(b, (SymBool, bool)):
        return boolean(ite(t, True, truth(b)), plain(a) or plain(b))
    return join(t, a, b)


def gm_and(first, *rest):
    a = first()
    if not rest:
        return a
    if not symbolic(a):
        return gm_and(*rest) if gm_bool(a) else a
    t = truth(a)
    ok, b = attempt(t, lambda: gm_and(*rest))
    if not ok:
        return False
    if isinstance(a, SymBool) and isinstance(b, (SymBool, bool)):
        return boolean(ite(t, truth(b), False), plain(a) and plain(b))
    return join(t, b, a)


def gm_not(x):
    return boolean(negate(truth(x)), not plain(x)) if symbolic(x) else not gm_bool(x)


def gm_isnone(x):
    if is_symbol(x):
        e = isnone(x.expr)
        return boolean(e, plain(x) is None) if not isinstance(e, bool) else e
    cases = x.cases if isinstance(x, Alternatives) else x._gm_cases if isinstance(x, AltModule) else None
    if cases and len(cases) == 1:
        return boolean(negate(cases[0][0]), not decide(cases[0][0]))
    path = getattr(x, "__dict__", {}).get("_gm_optional")
    if path is not None:
        return boolean(["isnone", path[0]], path[1])
    return x is None


def gm_is(x, v):
    return boolean(["==", x.expr, v], plain(x) is v) if is_symbol(x) else x is v


def gm_in(a, b):
    if isinstance(b, SymList):
        return boolean(["contains", b.expr, expr(a)], plain(a) in plain(b)) if scalar(a) else a in b
    if is_symbol(a) and isinstance(b, (list, tuple, set, frozenset, dict, type({}.keys()))) and len(b) < 40:
        if isinstance(a, SymList):
            return False
        e = False
        for x in b:
            if isinstance(plain(x), type(plain(a))) or isinstance(plain(x), (int, float)):
                e = ite(["==", expr(a), expr(x)], True, e)
        return boolean(e, plain(a) in [plain(x) for x in b])
    return a in b


def gm_item(o, k):
    if is_symbol(k) and isinstance(k, (str, int)) and type(o) in (dict, collections.OrderedDict) and 1 < len(o) <= 12:
        out = o.get(plain(k), UNDEFINED)
        for key, v in o.items():
            if isinstance(key, (str, int)) and key != plain(k):
                out = v if out is UNDEFINED else join(["==", k.expr, expr(key)], v, out)
        return out
    if is_symbol(k) and isinstance(k, int) and isinstance(o, (list, tuple)) and not isinstance(o, SymList):
        if o and scalar(o):
            return symbol(["at", expr(o), k.expr], plain(o[plain(k)] if -len(o) <= plain(k) < len(o) else o[-1]))
        return o[plain(k)] if -len(o) <= plain(k) < len(o) else o[-1]
    try:
        return o[k]
    except IndexError:
        if isinstance(o, (nn.ModuleList, list)) and len(o):
            return o[-1]
        raise


class Iter:
    def __init__(self, count, get):
        self.count, self.get = count, get

    def __iter__(self):
        return (self.get(i) for i in range(max(0, plain(self.count))))

    def __len__(self): return max(0, plain(self.count))
    def __getitem__(self, i): return self.get(i)


def as_iter(x):
    """Something whose length is symbolic, or None."""
    if isinstance(x, SymRange):
        return Iter(x.count(), lambda i: x.start + i * x.step)
    if isinstance(x, SymList):
        return Iter(symbol(["len", x.expr], len(x)), lambda i: x[i])
    if isinstance(x, SymStr):
        return Iter(symbol(["len", x.expr], len(str(x))), lambda i: x[i])
    return x if isinstance(x, Iter) else None


def unroll(x):
    it = as_iter(x)
    if it is None:
        return x
    if is_symbol(it.count):
        REQUIRES.append((tuple(CTX), it.count.expr, plain(it.count)))
    return iter(it)


def loop(x):
    it = as_iter(x)
    if it is None or not is_symbol(it.count):
        yield from x
        return
    v, depth = fresh(), len(CTX)
    CTX.append(("for", v, it.count.expr))
    yield it.get(symbol(v, 0))
    del CTX[depth:]


def comp(x, f, *tests):
    it = as_iter(x)
    if it is None or not is_symbol(it.count):
        return [f(v) for v in x if all(gm_bool(t(v)) for t in tests)]
    v, depth = fresh(), len(CTX)
    CTX.append(("for", v, it.count.expr))
    item = it.get(symbol(v, 0))
    kept = True
    for t in tests:
        r = t(item)
        if symbolic(r):
            kept = ite(kept, truth(r), False) if kept is not True else truth(r)
        elif not gm_bool(r):
            kept = False
    if kept is False:
        del CTX[depth:]
        return []
    if kept is not True:
        CTX.append(("if", kept))
    made = f(item)
    del CTX[depth:]
    if not scalar(made):
        return [made]
    values = []
    for k in range(min(len(it), 200)):
        one = it.get(k)
        if all(plain(t(one)) for t in tests):
            values.append(plain(f(one)))
    e = ["map", v, it.count.expr, expr(made)] if kept is True else ["filter", v, it.count.expr, kept, expr(made)]
    return symbol(e, values)


def f_len(x):
    it = as_iter(x)
    return it.count if it is not None else builtins.len(x)


def f_range(*a):
    return SymRange(*a) if any(is_symbol(x) for x in a) else builtins.range(*a)


def f_enumerate(x, start=0):
    it = as_iter(x)
    return Iter(it.count, lambda i: (i + start, it.get(i))) if it is not None else builtins.enumerate(x, start)


def _least(counts):
    one = counts[0]
    for c in counts[1:]:
        if expr(c) != expr(one):
            one = symbol(["min", expr(one), expr(c)], min(plain(one), plain(c)))
    return one


def f_zip(*xs, **kw):
    its = [as_iter(x) for x in xs]
    known = [i for i in its if i is not None]
    if not known:
        return builtins.zip(*xs)
    parts = [i.get if i is not None else (lambda k, x=list(x): gm_item(x, k)) for i, x in zip(its, xs)]
    counts = [i.count for i in known]
    return Iter(_least(counts), lambda k: tuple(p(k) for p in parts))


def f_int(x=0, *a):
    if isinstance(x, SymInt):
        return symbol(x.expr, int(plain(x))) if plain(x) is not None else x
    if isinstance(x, SymFloat):
        return symbol(["int", x.expr], int(plain(x)))
    return builtins.int(x, *a)


def f_float(x=0.0):
    return symbol(x.expr, float(plain(x) or 0)) if isinstance(x, (SymInt, SymFloat)) else builtins.float(x)


def f_bool(x=False):
    return boolean(truth(x), bool(plain(x))) if symbolic(x) else builtins.bool(x)


def _extreme(op, f):
    def g(*a, **kw):
        if len(a) == 1 and isinstance(a[0], SymList):
            return symbol([op + "of", a[0].expr], f(plain(a[0]) or [1]))
        xs = list(a[0]) if len(a) == 1 else list(a)
        if any(is_symbol(x) for x in xs) and not kw:
            return symbol([op, *map(expr, xs)], f(*[plain(x) or 0 for x in xs])) if len(xs) > 1 else xs[0]
        return f(*a, **kw)
    return g


def f_sum(x, *a):
    if isinstance(x, SymList):
        return symbol(["sum", x.expr], sum(plain(x)))
    return builtins.sum(x, *a)


def f_isinstance(x, t):
    ts = t if isinstance(t, tuple) else (t,)
    if isinstance(x, SymBool):
        return bool in ts or int in ts
    if is_symbol(x) and x.none:
        return False
    if isinstance(x, Alternatives):
        return builtins.isinstance(x.cases[0][1], t)
    return builtins.isinstance(x, t)


def f_list(*a):
    if a and isinstance(a[0], SymList):
        return a[0]
    it = as_iter(a[0]) if a else None
    if it is None or not is_symbol(it.count):
        return builtins.list(*a)
    return comp(it, lambda v: v) if scalar(it.get(0)) else it


def f_tuple(*a):
    return f_list(*a) if a and as_iter(a[0]) is not None else builtins.tuple(*a)


def f_getattr(o, key, *default):
    path = getattr(o, "__dict__", {}).get("_gm_path")
    if path is None or not default or key.startswith("_") or hasattr(o, key):
        return getattr(o, key, *default)
    d = default[0]
    if d is None or not scalar(d) or isinstance(plain(d), (str, list)):
        return d
    EXTRA.setdefault(path, set()).add(key)
    return symbol(["given", path + "?" + key, expr(d)], plain(d))


def f_reversed(x):
    it = as_iter(x)
    return Iter(it.count, lambda i: it.get(it.count - 1 - i)) if it is not None else builtins.reversed(x)


def f_any(x):
    return gm_or(*[lambda v=v: v for v in x], lambda: False) if not isinstance(x, SymList) else boolean(["contains", x.expr, True], any(plain(x)))


def f_all(x):
    return gm_and(*[lambda v=v: v for v in x], lambda: True) if not isinstance(x, SymList) else boolean(["not", ["contains", x.expr, False]], all(plain(x)))


def gm_haskw(owner, kwargs, key):
    path = getattr(owner, "__dict__", {}).get("_gm_path")
    if path is None or key in kwargs:
        return key in kwargs
    return boolean(["has", path + "?" + key], False)


def _kind(key):
    if "pattern" in key or key.endswith(("_type", "_mode", "_act")):
        return "str"
    return "list" if key.endswith(("ratios", "layers", "types", "list", "sizes", "indices", "idxs", "channels")) else "int"


IGNORED = ("rope", "attn_implementation", "experts_implementation", "torch_dtype", "dtype", "config", "token", "dropout", "label", "backbone", "out_features", "out_indices")


def gm_kwarg(owner, kwargs, key, *given):
    if key in kwargs:
        return kwargs.pop(key)
    default = given[0] if given else None
    path = getattr(owner, "__dict__", {}).get("_gm_path")
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


def ctor(init):
    import functools

    @functools.wraps(init)
    def wrapped(self, *a, **k):
        if isinstance(self, nn.Module) and "_gm_call" not in self.__dict__:
            self.__dict__["_gm_call"] = (type(self), a, k)
        return init(self, *a, **k)
    return wrapped


def gm_tensor(*a, **k):
    """torch.Tensor(…): so many numbers, or the numbers given."""
    return torch.empty(*a) if all(isinstance(x, int) for x in a) else torch.as_tensor(plain(a[0]))


HOOKS = {"_gm_tensor": gm_tensor, "_gm_ctor": ctor, "_gm_bool": gm_bool, "_gm_symbolic": symbolic, "_gm_fork": fork, "_gm_side": side, "_gm_side_end": side_end,
         "_gm_fail": fail, "_gm_old": old, "_gm_new": new, "_gm_join": fork_join, "_gm_ife": gm_ife, "_gm_or": gm_or,
         "_gm_and": gm_and, "_gm_not": gm_not, "_gm_isnone": gm_isnone, "_gm_is": gm_is, "_gm_in": gm_in,
         "_gm_item": gm_item, "_gm_unroll": unroll, "_gm_loop": loop, "_gm_comp": comp, "_gm_kwarg": gm_kwarg, "_gm_haskw": gm_haskw,
         "_gmf_int": f_int, "_gmf_len": f_len, "_gmf_range": f_range, "_gmf_enumerate": f_enumerate, "_gmf_zip": f_zip,
         "_gmf_max": _extreme("max", max), "_gmf_min": _extreme("min", min), "_gmf_sum": f_sum, "_gmf_bool": f_bool,
         "_gmf_float": f_float, "_gmf_isinstance": f_isinstance, "_gmf_list": f_list, "_gmf_tuple": f_tuple, "_gmf_getattr": f_getattr,
         "_gmf_reversed": f_reversed, "_gmf_any": f_any, "_gmf_all": f_all}
