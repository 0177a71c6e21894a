#!/usr/bin/env python3
"""Runs a scenario for real and prints a case of tests/truth/cases, ready for the form "A measured run".

usage: measure.py SCENARIO.json [--device cuda|cpu-fake] [--id NAME]
"""
import argparse
import json
import sys

import torch
import transformers

from memory import Gpu, Ledger
from run import generate, train


def case_of(scenario, meter, name):
    task = scenario.get("task", "inference")
    with meter.running():
        quantities = (train if task == "training" else generate)(scenario, meter)
        quantities["allocatedBytes"] = max(meter.phases.values())
        for quantity, bytes_ in (("reservedBytes", meter.reserved()), ("processBytes", meter.process())):
            if bytes_ is not None:
                quantities[quantity] = bytes_
    return {
        "id": name,
        "group": f"measured-{'train' if task == 'training' else 'infer'}",
        "scenario": scenario,
        "expect": quantities,
        "source": f"measured: torch {torch.__version__}, transformers {transformers.__version__}, {meter.where()}",
        "note": "second step" if task == "training" else "a prompt, then one token",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", type=argparse.FileType("r"))
    parser.add_argument("--device", choices=["cuda", "cpu-fake"], default="cuda")
    parser.add_argument("--id", default="measured")
    given = parser.parse_args()
    scenario = json.load(given.scenario)
    print(json.dumps(case_of(scenario, Gpu() if given.device == "cuda" else Ledger(), given.id)))


if __name__ == "__main__":
    sys.exit(main())
