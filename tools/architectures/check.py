"""Compares inventories with recorded counts: check.py INVENTORIES CASES.jsonl …"""
import collections
import glob
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from evaluate import total  # noqa: E402

docs = {os.path.basename(p)[:-5]: json.load(open(p)) for p in glob.glob(sys.argv[1] + "/*.json")}
verbose = os.environ.get("VERBOSE")
for path in sys.argv[2:]:
    good = bad = 0
    why = collections.Counter()
    for line in open(path):
        case = json.loads(line)
        config = case["scenario"]["model"].get("config")
        if config is None or "parameters.total" not in case["expect"]:
            continue
        want = [case["expect"]["parameters.total"], *case.get("alternatives", {}).get("parameters.total", [])]
        try:
            got = total(docs, config)
            message = f"{got} - {want[0]} = {got - want[0]}"
        except Exception as e:
            got, message = None, f"{type(e).__name__}: {e}"[:100]
        if got in want:
            good += 1
        else:
            bad += 1
            why[(config["model_type"], (config.get("architectures") or [""])[0], message)] += 1
    print(os.path.basename(path), good, "of", good + bad)
    for k, n in why.items():
        if verbose or len(sys.argv) == 3:
            print("   ", n, *k)
