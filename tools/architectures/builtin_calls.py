"""Python's own functions for numbers that remember how they were computed."""
import builtins

from branches import gm_and, gm_or
from symbols import SymBool, SymFloat, SymInt, SymList, boolean, expr, is_symbol, plain, symbol
from tracing import EXTRA, Alternatives, scalar, symbolic, truth


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


def extreme(op, f):
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


def f_getattr(o, key, *default):
    path = getattr(o, "__dict__", {}).get("_gm_path")
    if path is None or not default or key.startswith("_") or hasattr(o, key):
        return getattr(o, key, *default)
    d = default[0]
    if d is None or not scalar(d) or isinstance(plain(d), (str, list)):
        return d
    EXTRA.setdefault(path, set()).add(key)
    return symbol(["given", path + "?" + key, expr(d)], plain(d))


def f_any(x):
    return gm_or(*[lambda v=v: v for v in x], lambda: False) if not isinstance(x, SymList) else boolean(["contains", x.expr, True], any(plain(x)))


def f_all(x):
    return gm_and(*[lambda v=v: v for v in x], lambda: True) if not isinstance(x, SymList) else boolean(["not", ["contains", x.expr, False]], all(plain(x)))
