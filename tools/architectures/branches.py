"""Conditions in rewritten code: both sides are run, each under its guard, and what they left is joined."""
import collections

from torch import nn

from symbols import SymBool, SymList, UNDEFINED, boolean, expr, is_symbol, plain, symbol
from tracing import CTX, NOTES, Alternatives, AltModule, attempt, decide, gm_bool, isnone, ite, join, negate, scalar, symbolic, truth


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
    f.dicts = [v for v in {id(v): v for v in scope.values() if type(v) in (dict, collections.OrderedDict)}.values() if len(v) < 200]
    f.empty = [dict(v) for v in f.dicts]
    f.scope, f.sides, f.depth, f.errors = dict(scope), {}, len(CTX), {}
    return f


def side(f, which):
    f.now = which
    CTX.append(("if", f.c if which else negate(f.c)))


def fail(f, e):
    f.errors[f.now] = e


def side_end(f, scope):
    del CTX[f.depth:]
    f.sides[f.now] = (dict(scope), [_state(o) for o in f.owners], [dict(v) for v in f.dicts])
    for v, base in zip(f.dicts, f.empty):
        v.clear()
        v.update(base)
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
    for v, a, b in zip(f.dicts, f.sides[True][2], f.sides[False][2]):
        v.clear()
        v.update({k: join(f.c, a.get(k, UNDEFINED), b.get(k, UNDEFINED)) for k in [*a, *[k for k in b if k not in a]]})


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
    if isinstance(x, nn.Parameter) and len(getattr(x, "_gm_alts", ())) == 1:
        return boolean(negate(x._gm_alts[0][0]), not decide(x._gm_alts[0][0]))
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
        return o[plain(k)] if -len(o) <= plain(k) < len(o) else o[-1] if o else 0   # of a list whose length no tensor told
    try:
        return o[k]
    except IndexError:
        if isinstance(o, (nn.ModuleList, list)) and len(o):
            return o[-1]
        raise
