"""Writes core/catalog/architectures/: which tensors each class of the framework has, as expressions of its configuration.

    python tools/architectures/generate.py OUT_DIR [MODEL_TYPE …]
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
sys.path.extend(p for p in os.environ.get("GPUMEM_EXTRA_PACKAGES", "").split(":") if p)
os.environ["HF_HUB_OFFLINE"] = "1"
import rewrite  # noqa: E402
import tracing  # noqa: E402
from prepare import install as prepare  # noqa: E402

rewrite.install()
prepare()
from inventory import Tracer  # noqa: E402


def work(part, kinds, out):
    tracer = Tracer()
    tracer.run(kinds)
    with open(f"{out}.{part}", "w") as f:
        json.dump({"docs": tracer.docs, "problems": tracer.problems}, f, default=str)


def main(folder, only):
    tracer = Tracer()
    kinds = tracer.kinds(only)
    parts = 2 if len(kinds) > 20 else 1
    workers = []
    for part in range(parts):
        child = os.fork()
        if child == 0:
            work(part, kinds[part::parts], "/tmp/inventory-part")
            os._exit(0)
        workers.append(child)
    for child in workers:
        os.waitpid(child, 0)
    for part in range(parts):
        with open(f"/tmp/inventory-part.{part}") as f:
            tracer.add(json.load(f))
    tracer.finish()
    os.makedirs(folder, exist_ok=True)
    for kind, doc in tracer.docs.items():
        with open(os.path.join(folder, kind + ".json"), "w") as f:
            f.write(json.dumps(doc, separators=(",", ":")) + "\n")
    print(len(tracer.docs), "types", sum(len(d["classes"]) for d in tracer.docs.values()), "classes")
    with open("/tmp/inventory-notes.json", "w") as f:
        json.dump(tracer.problems, f, indent=1, default=str)
    print(len(tracer.problems), "problems")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
