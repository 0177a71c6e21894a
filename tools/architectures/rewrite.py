"""Imports the framework's configuration and model modules with their control flow made visible to symbols.

`if`, `a if c else b`, `and`, `or`, `not`, `is None`, `in`, loops and comprehensions become calls of hooks.py, which
runs both sides of a condition that depends on a field and one round of a loop whose length depends on one.
"""
import ast
import copy
import importlib.abc
import importlib.machinery
import re
import sys

import hooks
from syntax import appended, assigned, call, carried, has, name, thunk

CALLS = {"int", "len", "range", "enumerate", "zip", "max", "min", "sum", "bool", "float", "isinstance", "list", "tuple",
         "reversed", "any", "all", "getattr"}
SKIP = re.compile(r"^(forward|_init_weights|generate|prepare_inputs.*|get_image_features|get_.*_features|loss.*|_forward.*|_update.*)$")

UNHEARD = {"set_attention_type"}   # puts the same tensors into a module of another class


class Rewriter(ast.NodeTransformer):
    def __init__(self):
        self.n = 0
        self.post_init = False

    def fresh(self):
        self.n += 1
        return f"_gm{self.n}"

    def visit_FunctionDef(self, f):
        if SKIP.match(f.name):
            return f
        if f.name in UNHEARD:
            f.body = [ast.Pass()]
            return f
        outer, self.post_init = self.post_init, f.name in ("__post_init__", "__init__")
        if has(f.body, ast.Yield, ast.YieldFrom):
            self.post_init = outer
            return f
        if any(has([s], ast.Return) for s in f.body if isinstance(s, ast.If)):
            tail = self.tail(f.body)
            if tail is not None:
                f.body = [ast.Assign([name("_gmret_", True)], ast.Constant(None)), *tail, ast.Return(name("_gmret_"))]
        f.body = self.block(f.body)
        if f.name == "__init__":
            f.decorator_list.append(name("_gm_ctor"))
        self.post_init = outer
        return f

    def visit_AsyncFunctionDef(self, f):
        return f

    def tail(self, ss, depth=0):
        """Returns at the ends of branches become assignments, what follows moves into the branches."""
        for i, s in enumerate(ss):
            if isinstance(s, ast.Return):
                return [*ss[:i], ast.Assign([name("_gmret_", True)], s.value or ast.Constant(None))]
            if isinstance(s, ast.If) and has([s], ast.Return):
                if depth > 6:
                    return None
                rest = ss[i + 1:]
                body = self.tail([*s.body, *copy.deepcopy(rest)], depth + 1)
                orelse = self.tail([*s.orelse, *copy.deepcopy(rest)], depth + 1)
                if body is None or orelse is None:
                    return None
                return [*ss[:i], ast.If(s.test, body or [ast.Pass()], orelse)]
            if isinstance(s, ast.Raise):
                return ss[:i + 1]
            if has([s], ast.Return):
                return None
        return ss

    def block(self, ss):
        out = []
        for s in ss:
            r = self.visit(s)
            out.extend(r if isinstance(r, list) else [r] if r is not None else [])
        return out

    def visit_If(self, s):
        test = self.visit(s.test)
        if has(s.body + s.orelse, ast.Return, ast.Yield) or has(s.body + s.orelse, ast.Break, ast.Continue, into_loops=False):
            s.test = call("_gm_bool", test)
            s.body, s.orelse = self.block(s.body), self.block(s.orelse)
            return s
        names = assigned(s.body + s.orelse)
        body, orelse = self.block(s.body), self.block(s.orelse) or [ast.Pass()]
        plain = ast.If(name("_c"), copy.deepcopy(body), copy.deepcopy(orelse))
        c, b, e = self.fresh(), self.fresh(), self.fresh()
        plain.test = call("_gm_bool", name(c))

        def guarded(block, side):
            handler = ast.ExceptHandler(name("Exception"), e, [ast.Expr(call("_gm_fail", name(b), name(e)))])
            return [ast.Expr(call("_gm_side", name(b), ast.Constant(side))), ast.Try(block, [handler], [], []),
                    ast.Expr(call("_gm_side_end", name(b), call("locals")))]
        restore = [ast.Assign([name(n, True)], call("_gm_old", name(b), ast.Constant(n))) for n in names]
        merge = [ast.Assign([name(n, True)], call("_gm_new", name(b), ast.Constant(n))) for n in names]
        both = [ast.Assign([name(b, True)], call("_gm_fork", name(c), call("locals"))), *guarded(body, True), *restore,
                *guarded(orelse, False), ast.Expr(call("_gm_join", name(b))), *merge]
        return [ast.Assign([name(c, True)], test), ast.If(call("_gm_symbolic", name(c)), both, [plain])]

    def visit_For(self, s):
        targets = {n.id for n in ast.walk(s.target) if isinstance(n, ast.Name)}
        left = [n for n in [*assigned([s]), *appended(s.body)] if not n.startswith("_")]
        leave = [ast.Assign([name(n, True)], call("_gm_leave", call("locals"), ast.Constant(n))) for n in left]
        leaves = has(s.body, ast.Break, ast.Continue, ast.Return, into_loops=False)
        names = carried(s.body, targets)
        if names and not leaves and not s.orelse:
            return [*self.recurrence(s, names), *leave]
        s.iter = call("_gm_unroll" if names or leaves else "_gm_loop", self.visit(s.iter))
        s.body, s.orelse = self.block(s.body), self.block(s.orelse)
        return [s, *leave]

    def recurrence(self, s, names):
        """A loop whose rounds hand something on: recurrences.py says what each name is in round i."""
        r = self.fresh()

        def place(n, store=False):
            return ast.Attribute(name("self"), n[5:], ast.Store() if store else ast.Load()) if n.startswith("self.") else name(n, store)

        def given(f):
            return [ast.Assign([place(n, True)], call(f, name(r), ast.Constant(n))) for n in names]
        values = ast.Dict([ast.Constant(n) for n in names], [place(n) for n in names])
        e = self.fresh()
        failed = ast.ExceptHandler(name("Exception"), e, [ast.Expr(call("_gm_round_failed", name(r), name(e)))])
        whole = [*self.block(s.body), ast.Expr(call("_gm_round_end", name(r), values))]
        body = [*given("_gm_carried"), ast.Try(whole, [failed], [], [])]
        rounds = ast.For(s.target, call("_gm_rounds", name(r)), body, [])
        return [ast.Assign([name(r, True)], call("_gm_recur", self.visit(s.iter), copy.deepcopy(values), call("locals"))), rounds, *given("_gm_after")]

    def visit_While(self, s):
        s.test = call("_gm_bool", self.visit(s.test))
        s.body = self.block(s.body)
        return s

    def visit_IfExp(self, e):
        return call("_gm_ife", self.visit(e.test), thunk(self.visit(e.body)), thunk(self.visit(e.orelse)))

    def visit_BoolOp(self, e):
        f = "_gm_and" if isinstance(e.op, ast.And) else "_gm_or"
        return call(f, *[thunk(self.visit(v)) for v in e.values]) if not has([e], ast.NamedExpr) else self.generic_visit(e)

    def visit_UnaryOp(self, e):
        self.generic_visit(e)
        return call("_gm_not", e.operand) if isinstance(e.op, ast.Not) else e

    def visit_Compare(self, e):
        self.generic_visit(e)
        if len(e.ops) != 1:
            parts, left = [], e.left
            for op, right in zip(e.ops, e.comparators):
                parts.append(thunk(ast.Compare(left, [op], [right])))
                left = right
            return call("_gm_and", *parts)
        op, right = e.ops[0], e.comparators[0]
        none = isinstance(right, ast.Constant) and right.value is None
        if isinstance(op, (ast.Is, ast.Eq)) and none:
            return call("_gm_isnone", e.left)
        if isinstance(op, (ast.IsNot, ast.NotEq)) and none:
            return call("_gm_not", call("_gm_isnone", e.left))
        if isinstance(op, (ast.Is, ast.IsNot)) and isinstance(right, ast.Constant) and isinstance(right.value, bool):
            is_ = call("_gm_is", e.left, right)
            return is_ if isinstance(op, ast.Is) else call("_gm_not", is_)
        if self.post_init and isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, ast.Name) and right.id == "kwargs":
            has_it = call("_gm_haskw", name("self"), right, e.left)
            return has_it if isinstance(op, ast.In) else call("_gm_not", has_it)
        if isinstance(op, ast.In):
            return call("_gm_in", e.left, right)
        if isinstance(op, ast.NotIn):
            return call("_gm_not", call("_gm_in", e.left, right))
        return e

    def visit_Subscript(self, e):
        self.generic_visit(e)
        s = e.slice
        if isinstance(s, ast.Slice) and isinstance(s.lower, ast.Constant) and s.lower.value == 1 and s.upper is None and s.step is None and isinstance(e.ctx, ast.Load):
            return call("_gm_tail", e.value)
        return call("_gm_item", e.value, e.slice) if isinstance(e.ctx, ast.Load) and not isinstance(e.slice, ast.Slice) else e

    def visit_Assign(self, s):
        t = s.targets[0]
        first = isinstance(t, ast.Attribute) and isinstance(t.value, ast.Subscript) and isinstance(t.value.slice, ast.Constant) and t.value.slice.value == 0
        if first and isinstance(s.value, ast.Constant) and s.value.value is None:   # what the first of a list has not
            return ast.Expr(call("_gm_not_first", t.value.value, ast.Constant(t.attr)))
        return self.generic_visit(s)

    def visit_AnnAssign(self, s):
        if s.value is not None:
            s.value = self.visit(s.value)
        return s

    def visit_ClassDef(self, c):
        c.body = [self.visit(s) if isinstance(s, ast.FunctionDef) else s for s in c.body]
        return c

    def visit_Call(self, e):
        self.generic_visit(e)
        f = e.func
        if isinstance(f, ast.Attribute) and f.attr in ("Tensor", "FloatTensor") and isinstance(f.value, ast.Name) and f.value.id == "torch":
            e.func = name("_gm_tensor")
        if isinstance(f, ast.Name) and f.id in CALLS and not any(isinstance(a, ast.Starred) for a in e.args):
            e.func = name("_gmf_" + f.id)
        if self.post_init and isinstance(f, ast.Attribute) and f.attr in ("pop", "get") and isinstance(f.value, ast.Name) \
                and f.value.id == "kwargs" and e.args:
            return call("_gm_kwarg", name("self"), f.value, *e.args)
        return e

    def comprehension(self, e):
        if len(e.generators) != 1 or has([e], ast.NamedExpr):
            self.generic_visit(e)
            for g in e.generators:
                g.iter = call("_gm_unroll", g.iter)
                g.ifs = [call("_gm_bool", i) for i in g.ifs]
            return e
        g = e.generators[0]

        def function(body):
            if isinstance(g.target, ast.Name):
                return ast.Lambda(ast.arguments([], [ast.arg(g.target.id)], None, [], [], None, []), body)
            if isinstance(g.target, ast.Tuple) and all(isinstance(t, ast.Name) for t in g.target.elts):
                inner = ast.Lambda(ast.arguments([], [ast.arg(t.id) for t in g.target.elts], None, [], [], None, []), body)
                spread = ast.Call(inner, [ast.Starred(name("_gme"), ast.Load())], [])
                return ast.Lambda(ast.arguments([], [ast.arg("_gme")], None, [], [], None, []), spread)
            return None
        if function(e.elt) is None:
            self.generic_visit(e)
            return e
        each = function(self.visit(e.elt))
        tests = [function(self.visit(i)) for i in g.ifs]
        return call("_gm_comp", self.visit(g.iter), each, *tests)

    visit_ListComp = visit_GeneratorExp = comprehension


class Loader(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data, path, *, _optimize=-1):
        tree = ast.parse(data, path)
        r = Rewriter()
        tree.body = [r.visit(s) if isinstance(s, (ast.ClassDef, ast.FunctionDef)) else s for s in tree.body]
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def get_code(self, fullname):   # the usual cache of compiled files holds the code as it was written
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module):
        module.__dict__.update(hooks.HOOKS)
        super().exec_module(module)


class Finder(importlib.abc.MetaPathFinder):
    wanted = re.compile(r"^transformers\.(models\.(?!auto\b).+\.(configuration|modeling)_\w+|backbone_utils|pytorch_utils|modeling_layers)$")

    def find_spec(self, fullname, path, target=None):
        if not self.wanted.match(fullname):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


def install():
    sys.meta_path.insert(0, Finder())
