"""What the running code depends on, conditions, and the joining of what both sides of one made."""
from torch import nn

import evaluate
from symbols import UNDEFINED, expr, is_symbol, plain, symbol

CTX = []          # what the running code depends on: ("for", variable, count) and ("if", condition)
NOTES = []        # where something was decided by its default, or failed
REQUIRES = []     # lengths that an unrolled loop relies on
NULLABLE = set()  # fields that may be null
ENDED = {}        # variables of loops that were left: their last value
EXTRA = {}        # names that a configuration may carry beside its fields
FIELDS = {}       # fields asked for by keyword: name → default
_vars = [0]
_logic = {"==", "<", "not", "and", "or", "isnone", "contains", "truthy", "starts"}


def reset():
    for state in (CTX, NOTES, REQUIRES, ENDED):
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


def leave(scope, key):
    """What a loop's names hold behind it: the values of its last round."""
    v = scope.get(key, UNDEFINED)
    if type(v) is list and v and is_symbol(v[-1]) and scalar(v):   # what one round put behind it, every round did
        var = next((x for x in ENDED if x in evaluate.names(v[-1].expr)), None)
        if var is None or any(var in evaluate.names(expr(x)) for x in v[:-1]):
            return v
        e = ["cat", ["list", *map(expr, v[:-1])], ["map", var, ENDED[var][1], v[-1].expr]]
        try:
            return symbol(e, list(evaluate.value(e, lambda n: evaluate.VALUES.get(n), {})))
        except Exception:
            return v
    if is_symbol(v) and ENDED.keys() & evaluate.names(v.expr):
        return symbol(evaluate.replaced(v.expr, ENDED), plain(v))
    return v


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
        self.__dict__["_gm_guards"] = [c for c, _ in cases]
        for i, (_, m) in enumerate(cases):
            self._modules[str(i)] = m

    @property
    def _gm_cases(self):
        return list(zip(self.__dict__["_gm_guards"], self._modules.values()))

    def __getattr__(self, key):
        for _, m in self._gm_cases:
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
