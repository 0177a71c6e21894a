"""Loops that hand something from one round to the next: what it is in round i, told from one round.

A first round is run with a name for each value that it is handed; what it hands on, as an expression of these names, says how
the values go on. Then one round is run again, for all. Where that cannot be told the loop runs as often as the defaults say.
"""
from torch import nn

import evaluate
from branches import _restore, _state
from evaluate import replaced
from loops import as_iter, unroll
from symbols import expr, is_symbol, plain, symbol
from tracing import CTX, ENDED, NOTES, REQUIRES, fresh, ite, scalar


class Unclear(Exception):
    pass


class Recurrence:
    def __init__(self, x, values, scope):
        self.x, self.it, self.values, self.scope = x, as_iter(x), dict(values), scope
        self.grown = [k for k, v in values.items() if isinstance(v, (list, nn.ModuleList)) and not is_symbol(v)]
        self.names, self.mode, self.solved = {}, "plain", {}


def kept(r):
    """What a round may change: `self`, lists, and the lists that `self` holds."""
    owners = [o for k, o in r.scope.items() if k in ("self", "config") and hasattr(o, "__dict__") and not isinstance(o, type)]
    lists = {id(v): v for o in owners for v in [*vars(o).values(), *getattr(o, "_modules", {}).values()] if isinstance(v, (nn.ModuleList, list))}
    lists.update({id(v): v for v in r.scope.values() if isinstance(v, (nn.ModuleList, list, dict)) and not is_symbol(v)})
    held = [(v, dict(v._modules) if isinstance(v, nn.ModuleList) else v.copy()) for v in lists.values() if not is_symbol(v)]
    return [(o, _state(o)) for o in owners], held


def put_back(before):
    for o, state in before[0]:
        _restore(o, state)
    for v, was in before[1]:
        if isinstance(v, nn.ModuleList):
            v._modules.clear()
            v._modules.update(was)
        elif isinstance(v, dict):
            v.clear()
            v.update(was)
        else:
            v[:] = was


def rounds(r):
    if r.it is None or not is_symbol(r.it.count):
        yield from r.x
        return
    before, notes, needs, depth = kept(r), len(NOTES), len(REQUIRES), len(CTX)
    first = dict(r.values)
    v = fresh()
    try:
        if not all(scalar(x) and x is not None for k, x in first.items() if k not in r.grown):
            raise Unclear
        r.names = {k: fresh() for k in first if k not in r.grown}
        r.mode = "named"
        CTX.append(("for", v, r.it.count.expr))
        yield r.it.get(symbol(v, 0))
        solve(r, first, v)
        put_back(before)
        r.mode = "solved"
        yield r.it.get(symbol(v, 0))
        del CTX[depth:]
        ENDED[v] = ["-", r.it.count.expr, 1]
        r.mode = "done"
        return
    except Unclear:
        pass
    del CTX[depth:], NOTES[notes:], REQUIRES[needs:]
    put_back(before)
    r.mode, r.values = "plain", first
    yield from unroll(r.x)


def carried(r, name):
    value = r.values[name]
    if r.mode == "named" and name in r.names:
        return symbol(r.names[name], plain(value))
    if r.mode == "solved" and name in r.names:
        return symbol(r.solved[name](r.variable), plain(r.first[name]))
    return value


def round_end(r, values):
    if r.mode == "solved":
        r.values = {k: v for k, v in values.items()}
    elif r.mode == "named":
        r.after = dict(values)
    else:
        r.values = dict(values)


def round_failed(r, e):
    """With names in place of values it may: then the loop is not run so."""
    if r.mode != "named":
        raise e
    r.after = None


def after(r, name):
    if r.mode == "done" and name in r.names:
        e = r.solved[name](r.it.count.expr)
        return symbol(e, value_after(r, name, e))
    return r.values[name]


def value_after(r, name, e):
    """By the defaults, and of the kind that it was."""
    was = plain(r.first[name])
    try:
        return type(was)(evaluate.value(e, lambda n: evaluate.VALUES.get(n), {}))
    except Exception:
        return was


def solve(r, first, v):
    r.first, r.variable = first, v
    if r.after is None:
        raise Unclear
    open_ = {}
    for k, c in r.names.items():
        if not scalar(r.after[k]):
            raise Unclear
        open_[k] = expr(r.after[k])
    for k in r.grown:
        new = r.after[k]
        if new is not first[k] and not isinstance(new, list) or any(scalar(m) for m in new):
            raise Unclear
    while open_:
        ready = [k for k, e in open_.items() if not evaluate.names(e) & {r.names[o] for o in open_ if o != k}]
        if not ready:
            raise Unclear
        for k in ready:
            e = replaced_solved(r, open_.pop(k), v)
            r.solved[k] = going_on(expr(first[k]), r.names[k], e, v)


def replaced_solved(r, e, v):
    return replaced(e, {r.names[k]: f(v) for k, f in r.solved.items()})


def going_on(start, c, e, v):
    """What is handed to round i: `e` is what a round hands on that was handed `c`, in round `v`."""
    if e == c:
        return lambda i: start
    if c not in evaluate.names(e):
        last = lambda i: replaced(e, {v: ["-", i, 1]})   # noqa: E731
        return lambda i: ite(["==", i, 0], start, last(i)) if not isinstance(i, int) else (start if i == 0 else last(i))
    op, a = e[0], e[1:]
    if op == "int" and isinstance(a[0], list) and a[0][0] == "*":
        inner = going_on(start, c, a[0], v)
        return lambda i: ["int", inner(i)]
    if op == "if" and c not in evaluate.names(a[0]):
        for yes, other, cond in ((a[1], a[2], a[0]), (a[2], a[1], ["not", a[0]])):
            if other == c and isinstance(yes, list) and yes[0] in ("*", "//") and yes[1] == c and not {c, v} & evaluate.names(yes[2]):
                j = fresh()
                times = lambda i: ["sum", ["map", j, i, ["if", replaced(cond, {v: j}), 1, 0]]]   # noqa: E731
                return lambda i: [yes[0], start, ["**", yes[2], times(i)]]
        raise Unclear
    if op == "*" and a[1] == c:
        a = [c, a[0]]
    if op == "+" and a[1] == c:
        a = [c, a[0]]
    if op not in ("*", "//", "+", "-") or a[0] != c or c in evaluate.names(a[1]):
        raise Unclear
    k = a[1]
    if op in ("*", "//") and v not in evaluate.names(k):
        return lambda i: [op, start, ["**", k, i]]
    if op in ("+", "-"):
        if v not in evaluate.names(k):
            return lambda i: [op, start, ["*", k, i]]
        j = fresh()
        return lambda i: [op, start, ["sum", ["map", j, i, replaced(k, {v: j})]]]
    raise Unclear
