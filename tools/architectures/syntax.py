"""Small questions about, and pieces of, Python's syntax trees."""
import ast


def name(n, store=False):
    return ast.Name(n, ast.Store() if store else ast.Load())


def call(f, *args):
    return ast.Call(name(f), list(args), [])


def thunk(e):
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), e)


def assigned(statements):
    found = []
    class Visit(ast.NodeVisitor):
        def visit_Name(self, n):
            if isinstance(n.ctx, ast.Store) and n.id not in found:
                found.append(n.id)
        def visit_FunctionDef(self, n):
            found.append(n.name)
        def visit_Lambda(self, n): pass
        def visit_ListComp(self, n): pass
        visit_GeneratorExp = visit_SetComp = visit_DictComp = visit_ListComp
    for s in statements:
        Visit().visit(s)
    return [f for f in found if not f.startswith("_gm")]


def appended(statements):
    """Names of lists that statements put something behind."""
    calls = [n.func for s in statements for n in ast.walk(s) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return list(dict.fromkeys(f.value.id for f in calls if f.attr == "append" and isinstance(f.value, ast.Name)))


def has(statements, *kinds, into_loops=True):
    stack = list(statements)
    while stack:
        n = stack.pop()
        if isinstance(n, kinds):
            return True
        if isinstance(n, (ast.FunctionDef, ast.Lambda, ast.ClassDef)) or (not into_loops and isinstance(n, (ast.For, ast.While))):
            continue
        stack.extend(ast.iter_child_nodes(n))
    return False


def carried(body, targets):
    """What a loop's body reads of what an earlier round of it wrote: names, and "self.name"."""
    known = set()
    bad = []

    def key(n):
        if isinstance(n, ast.Name):
            return n.id
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "self":
            return "self." + n.attr
        return None

    writes, inner = set(), set()
    for s in body:
        for n in ast.walk(s):
            if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Store) and key(n):
                writes.add(key(n))
            if isinstance(n, ast.comprehension):
                for t in ast.walk(n.target):
                    if isinstance(t, ast.Name):
                        inner.add(t.id)
    writes -= targets | inner

    def reads(e):
        for n in ast.walk(e):
            k = key(n) if isinstance(n, (ast.Name, ast.Attribute)) else None
            if k in writes and k not in known and isinstance(n.ctx, ast.Load):
                bad.append(k)

    def run(ss):
        for s in ss:
            if isinstance(s, ast.Assign):
                reads(s.value)
                for t in s.targets:
                    for n in ast.walk(t):
                        if isinstance(n, (ast.Name, ast.Attribute)) and key(n):
                            known.add(key(n)) if isinstance(n.ctx, ast.Store) else reads(n)
            elif isinstance(s, ast.AugAssign):
                if key(s.target) and key(s.target) not in known:
                    bad.append(key(s.target))
                reads(s.value)
            elif isinstance(s, ast.If):
                reads(s.test)
                before = set(known)
                run(s.body)
                one = set(known)
                known.clear(); known.update(before)
                run(s.orelse)
                two = set(known)
                known.clear(); known.update(one & two)
            elif isinstance(s, ast.For):
                reads(s.iter)
                for n in ast.walk(s.target):
                    if isinstance(n, ast.Name):
                        known.add(n.id)
                run(s.body)
            else:
                reads(s)
    run(body)
    return list(dict.fromkeys(bad))
