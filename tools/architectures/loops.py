"""Loops in rewritten code: a loop of unknown length is run once, for a round that stands for all."""
import builtins

from torch import nn

import evaluate
from branches import gm_item
from symbols import SymList, SymRange, SymStr, expr, is_symbol, plain, symbol
from tracing import CTX, ENDED, REQUIRES, fresh, gm_bool, ite, scalar, symbolic, truth


class Iter:
    def __init__(self, count, get):
        self.count, self.get = count, get

    def __iter__(self):
        return (self.get(i) for i in range(max(0, plain(self.count))))

    def __len__(self): return max(0, plain(self.count))
    def __getitem__(self, i): return self.get(i)


def _relative(m):
    """What a module was made under, beyond what the running code is under."""
    made = m.__dict__.get("_gm_ctx", ()) if isinstance(m, nn.Module) else ()
    k = 0
    while k < len(made) and k < len(CTX) and made[k] == CTX[k]:
        k += 1
    return made[k:]


def f_len(x):
    it = as_iter(x)
    if it is not None:
        return it.count
    if isinstance(x, (nn.ModuleList, nn.Sequential, list)) and any(_relative(m) for m in x):
        return modules_in(x)
    return builtins.len(x)


def modules_in(x):
    """How many modules a list holds, of which one may stand for all rounds of a loop."""
    parts = []
    for m in x:
        e = 1
        for c in reversed(_relative(m)):
            if c[0] == "if":
                e = ite(c[1], e, 0)
            else:
                e = (c[2] if e == 1 else ["*", c[2], e]) if c[1] not in evaluate.names(e) else ["sum", ["map", c[1], c[2], e]]
        parts.append(e)
    total = sum(e for e in parts if isinstance(e, int))
    for e in parts:
        if not isinstance(e, int):
            total = e if total == 0 else ["+", total, e]
    return symbol(total, evaluate.by_defaults(total, builtins.len(x))) if not isinstance(total, int) else total


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
    ENDED[v] = ["-", it.count.expr, 1]


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


def f_list(*a):
    if a and isinstance(a[0], SymList):
        return a[0]
    it = as_iter(a[0]) if a else None
    if it is None or not is_symbol(it.count):
        return builtins.list(*a)
    return comp(it, lambda v: v) if scalar(it.get(0)) else it


def f_tuple(*a):
    return f_list(*a) if a and as_iter(a[0]) is not None else builtins.tuple(*a)


def f_reversed(x):
    it = as_iter(x)
    return Iter(it.count, lambda i: it.get(it.count - 1 - i)) if it is not None else builtins.reversed(x)
