"""Numbers, words and lists that remember how they were computed from the fields of a configuration.

An expression is JSON: a number, true, false or null; text is the name of a field; ["'", text] is a word;
["op", …] an operation. Each symbol also has an ordinary value (that of the class's defaults), so that code which is
not aware of symbols goes on as if it had been given a plain configuration.
"""
import math
import numbers

UNDEFINED = type("Undefined", (), {"__repr__": lambda s: "undefined"})()


def is_symbol(v):
    return hasattr(v, "expr") and isinstance(v, (SymInt, SymFloat, SymStr, SymList))


def expr(v):
    if is_symbol(v):
        return v.expr
    if v is None or isinstance(v, bool):
        return v
    if isinstance(v, (int, float)):
        return float(v) if isinstance(v, float) else int(v)
    if isinstance(v, str):
        return ["'", str(v)]
    if isinstance(v, (list, tuple)):
        return ["list", *[expr(x) for x in v]]
    if isinstance(v, numbers.Number):
        return v.item()
    raise TypeError(f"no expression for {type(v).__name__}")


def plain(v):
    """The ordinary value, freed from its symbol."""
    if isinstance(v, SymBool):
        return bool(int.__bool__(v))
    if isinstance(v, SymInt):
        return None if v.none else int.__int__(v)
    if isinstance(v, SymFloat):
        return float.__float__(v)
    if isinstance(v, SymStr):
        return None if v.none else str.__str__(v)
    if isinstance(v, SymList):
        return None if v.none else [plain(x) for x in list.__iter__(v)]
    return v


def symbol(e, value, kind=None):
    """A symbol for an expression; `kind` says what it stands for where the value is None."""
    none = value is None
    if none:
        value = {"int": 1, "float": 1.0, "str": "", "bool": False, "list": []}[kind or "int"]
    if isinstance(value, bool):
        out = SymBool(value)
    elif isinstance(value, int):
        out = SymInt(value)
    elif isinstance(value, float):
        out = SymFloat(value)
    elif isinstance(value, str):
        out = SymStr(value)
    elif isinstance(value, (list, tuple)):
        out = SymList(value)
    else:
        raise TypeError(type(value).__name__)
    out.expr, out.none = e, none
    return out


def _number(e, v):
    if isinstance(v, complex):
        v = v.real
    op, a, b = (*e, None, None)[:3]
    if op in ("+", "-") and b == 0 or op in ("*", "//", "**") and b == 1 and not isinstance(v, float):
        e = a
    elif op == "+" and a == 0 or op == "*" and a == 1 and not isinstance(v, float):
        e = b
    return symbol(e, v)


def _ok(*vs):
    return all(isinstance(plain(v), (int, float)) or (is_symbol(v) and isinstance(v, (int, float))) for v in vs)


def _raw(v):
    if isinstance(v, SymBool):
        return int.__bool__(v)
    if isinstance(v, SymInt):
        return int.__int__(v)
    if isinstance(v, SymFloat):
        return float.__float__(v)
    return v


def _arith(op, f):
    def left(a, b):
        if op == "*" and isinstance(b, (list, tuple)):
            return symbol(["rep", expr(b), expr(a)], [plain(x) for x in b] * max(0, _raw(a)))
        if not _ok(a, b):
            return NotImplemented
        return _number([op, expr(a), expr(b)], f(_raw(a), _raw(b)))

    def right(a, b):
        if op == "*" and isinstance(b, (list, tuple)):
            return symbol(["rep", expr(b), expr(a)], [plain(x) for x in b] * max(0, _raw(a)))
        if not _ok(a, b):
            return NotImplemented
        return _number([op, expr(b), expr(a)], f(_raw(b), _raw(a)))
    return left, right


def _safe(f):
    def g(a, b):
        return f(a, b) if b != 0 else 1
    return g


def _power(a, b):
    return a ** b if abs(b) < 64 else 1


OPS = {"add": ("+", lambda a, b: a + b), "sub": ("-", lambda a, b: a - b), "mul": ("*", lambda a, b: a * b),
       "floordiv": ("//", _safe(lambda a, b: a // b)), "truediv": ("/", _safe(lambda a, b: a / b)),
       "mod": ("%", _safe(lambda a, b: a % b)), "pow": ("**", _power)}


def boolean(e, v):
    return symbol(e, bool(v))


class _Number:
    def __neg__(self): return _number(["-", 0, self.expr], -_raw(self))
    def __pos__(self): return self
    def __abs__(self): return _number(["max", self.expr, ["-", 0, self.expr]], abs(_raw(self)))
    def __lt__(self, o): return boolean(["<", expr(self), expr(o)], _raw(self) < _raw(o))
    def __gt__(self, o): return boolean(["<", expr(o), expr(self)], _raw(self) > _raw(o))
    def __le__(self, o): return boolean(["not", ["<", expr(o), expr(self)]], _raw(self) <= _raw(o))
    def __ge__(self, o): return boolean(["not", ["<", expr(self), expr(o)]], _raw(self) >= _raw(o))

    def __eq__(self, o):
        if o is None or not isinstance(o, (int, float, str)):
            return False
        return boolean(["==", expr(self), expr(o)], plain(self) == plain(o))

    def __ne__(self, o):
        if o is None or not isinstance(o, (int, float, str)):
            return True
        return boolean(["not", ["==", expr(self), expr(o)]], plain(self) != plain(o))

    def __ceil__(self): return _number(["ceil", self.expr], math.ceil(_raw(self)))
    def __floor__(self): return _number(["floor", self.expr], math.floor(_raw(self)))
    def __round__(self, n=None): return _number(["round", self.expr], round(_raw(self)))
    def __trunc__(self): return _number(["floor", self.expr], math.trunc(_raw(self)))
    def __deepcopy__(self, memo): return self
    def __copy__(self): return self
    def __hash__(self): return hash(_raw(self))
    def __reduce__(self): return (type(_raw(self)), (_raw(self),))


for _name, (_op, _f) in OPS.items():
    _l, _r = _arith(_op, _f)
    setattr(_Number, f"__{_name}__", _l)
    setattr(_Number, f"__r{_name}__", _r)


class SymInt(_Number, int):
    pass


class SymFloat(_Number, float):
    pass


class SymBool(SymInt):
    def __new__(cls, v): return int.__new__(cls, bool(v))
    def __repr__(self): return repr(bool(int.__bool__(self)))


class SymStr(str):
    def __eq__(self, o):
        if not isinstance(o, str):
            return False
        return boolean(["==", expr(self), expr(o)], plain(self) == plain(o))

    def __ne__(self, o):
        if not isinstance(o, str):
            return True
        return boolean(["not", ["==", expr(self), expr(o)]], plain(self) != plain(o))

    def __hash__(self): return str.__hash__(self)
    def __deepcopy__(self, memo): return self
    def __copy__(self): return self
    def lower(self): return self
    def split(self, sep=None, *a): return symbol(["split", self.expr, ["'", sep or " "]], str.split(self, sep, *a))
    def upper(self): return symbol(["upper", self.expr], str.upper(self))
    def startswith(self, p, *a): return boolean(["starts", self.expr, expr(p)], str.startswith(self, p)) if isinstance(p, str) else str.startswith(self, p)

    def __getitem__(self, i):
        if isinstance(i, slice):
            return str.__getitem__(self, i)
        c = str(self)
        return symbol(["at", self.expr, expr(i)], c[_raw(i)] if -len(c) <= _raw(i) < len(c) else (c[-1] if c else "x"))

    def __iter__(self): return (self[i] for i in range(len(str(self))))
    def __reduce__(self): return (str, (str(self),))


class SymList(list):
    """`item` is the concrete element; where elements are lists they are symbols in turn."""

    def __getitem__(self, i):
        raw = [x for x in list.__iter__(self)]
        if isinstance(i, slice):
            lo, hi = i.start, i.stop
            if i.step not in (None, 1):
                if plain(i.step) == -1 and lo is None and hi is None:
                    return symbol(["reverse", self.expr], raw[::-1])
                raise TypeError("step")
            r = slice(plain(lo), plain(hi))
            return symbol(["slice", self.expr, expr(lo), expr(hi)], raw[r])
        k = _raw(i)
        value = raw[k] if -len(raw) <= k < len(raw) else (raw[-1] if raw else 1)
        if not isinstance(plain(value), (int, float, str, list, tuple, bool, type(None))):
            return value
        return symbol(["at", self.expr, expr(i)], plain(value))

    def __iter__(self):
        for i in range(list.__len__(self)):
            yield self[i]

    def __add__(self, o): return symbol(["cat", expr(self), expr(o)], [*list.__iter__(self), *map(plain, o)])
    def __radd__(self, o): return symbol(["cat", expr(o), expr(self)], [*map(plain, o), *list.__iter__(self)])
    def __mul__(self, n): return symbol(["rep", self.expr, expr(n)], plain(self) * max(0, _raw(n)))
    __rmul__ = __mul__
    def __eq__(self, o): return plain(self) == plain(o)
    def __deepcopy__(self, memo): return self
    def __copy__(self): return self
    def copy(self): return self
    def __reduce__(self): return (list, (plain(self),))


class SymRange:
    def __init__(self, *args):
        a = list(args)
        self.start, self.stop, self.step = (0, a[0], 1) if len(a) == 1 else (a[0], a[1], a[2] if len(a) > 2 else 1)

    def count(self):
        span = self.stop - self.start
        return span if plain(self.step) == 1 and not is_symbol(self.step) else -((-span) // self.step)

    def __iter__(self):
        n = max(0, plain(self.count()))
        return (self.start + i * self.step if i else self.start for i in range(n))

    def __len__(self): return max(0, plain(self.count()))
    def __reversed__(self): return reversed(list(self))
    def __contains__(self, x): return plain(x) in [plain(v) for v in self]
    def __getitem__(self, i): return self.start + i * self.step
