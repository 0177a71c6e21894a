"""Writes core/catalog/architectures/: which tensors each class of the framework has, as expressions of its configuration.

    python tools/architectures/generate.py OUT_DIR [MODEL_TYPE …]
"""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
sys.path.extend(p for p in os.environ.get("GPUMEM_EXTRA_PACKAGES", "").split(":") if p)
os.environ["HF_HUB_OFFLINE"] = "1"
import evaluate  # noqa: E402
import rewrite  # noqa: E402
from prepare import install as prepare  # noqa: E402

rewrite.install()
prepare()
from adjust import adjust  # noqa: E402
from compact import compact  # noqa: E402
from evaluate import total  # noqa: E402
from inventory import Tracer  # noqa: E402
from shared_blocks import share_blocks  # noqa: E402

NOTES = os.path.join(tempfile.gettempdir(), "gpumem-inventories-")


def defaults(docs, kind):
    """How many parameters the main class has by default; None where that cannot be told."""
    try:
        return int(total(docs, {"model_type": kind}))
    except (evaluate.Unknown, KeyError, TypeError, RecursionError):
        return None


def work(part, kinds, out):
    tracer = Tracer()
    tracer.run(kinds)
    with open(f"{out}.{part}", "w") as f:
        json.dump({"docs": tracer.docs, "problems": tracer.problems}, f, default=str)


def main(folder, only):
    tracer = Tracer()
    again = only[:1] == ["--again"]   # what the last run found, with these types traced anew
    kinds = only[1:] if again else tracer.kinds(only)
    parts = 2 if len(kinds) > 20 else 1
    old = json.load(open(NOTES + "all.json")) if again else None
    workers = []
    for part in range(parts if kinds else 0):
        child = os.fork()
        if child == 0:
            work(part, kinds[part::parts], NOTES + "part")
            os._exit(0)
        workers.append(child)
    for child in workers:
        os.waitpid(child, 0)
    for part in range(parts if kinds else 0):
        with open(f"{NOTES}part.{part}") as f:
            tracer.add(json.load(f))
    if old:
        tracer.add(old)
    tracer.complete()
    with open(NOTES + "all.json", "w") as f:
        json.dump({"docs": tracer.docs, "problems": tracer.problems}, f, default=str)
    tracer.finish()
    compact(tracer.docs)
    adjust(tracer.docs)
    share_blocks(tracer.docs)
    os.makedirs(folder, exist_ok=True)
    for kind, doc in tracer.docs.items():
        if not doc["classes"] and not doc["fields"]:
            continue
        doc = {"source": "transformers", **doc, "defaultParameters": defaults(tracer.docs, kind)}
        with open(os.path.join(folder, kind + ".json"), "w") as f:
            f.write(json.dumps({k: v for k, v in doc.items() if v is not None}, separators=(",", ":")) + "\n")
    print(len(tracer.docs), "types", sum(len(d["classes"]) for d in tracer.docs.values()), "classes")
    with open(NOTES + "problems.json", "w") as f:
        json.dump(tracer.problems, f, indent=1, default=str)
    print(len(tracer.problems), "problems")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
