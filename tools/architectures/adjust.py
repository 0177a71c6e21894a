"""What the tracing does not see: layers whose heads differ, which the configuration classes pass through a setting of each layer.

    python adjust.py core/catalog/architectures

Run after generate.py; a second run changes nothing. Source: the __post_init__ of the classes named below.
"""
import json
import sys
from pathlib import Path

FULL = ["==", ["at", "layer_types", "$0"], ["'", "full_attention"]]
# type: (head width of layers that see everything, their key and value heads, whether only with attention_k_eq_v)
GLOBAL_HEADS = {
    "gemma4_text": (512, None, True),
    "gemma4_unified_text": (512, None, True),
    "embedding_gemma2_text": (512, 1, False),
}


def adjusted(node, names):
    if isinstance(node, str):
        return names.get(node, node)
    if isinstance(node, list):
        if node[:1] in (["'"], ["truthy"], ["isnone"]):
            return node
        return [node[0], *(adjusted(x, names) for x in node[1:])] if node and isinstance(node[0], str) else [adjusted(x, names) for x in node]
    if isinstance(node, dict):
        return {k: adjusted(v, names) if k in ("do", "classes") or k not in ("for", "if", "use", "name", "at", "type") else v for k, v in node.items()}
    return node


def adjust(doc, width, heads, gated):
    if "global_head_dim" in doc["fields"]:
        return doc
    doc["fields"] |= {"global_head_dim": width, "num_global_key_value_heads": heads}
    where = ["and", FULL, ["truthy", "attention_k_eq_v"], ["truthy", "num_global_key_value_heads"]] if gated else FULL
    names = {
        "head_dim": ["if", FULL, "global_head_dim", "head_dim"],
        "num_key_value_heads": ["if", where, "num_global_key_value_heads", "num_key_value_heads"],
    }
    doc["shared"] = [adjusted(x, names) for x in doc["shared"]]
    doc["classes"] = {k: [adjusted(x, names) for x in v] for k, v in doc["classes"].items()}
    doc.pop("defaultParameters", None)
    return doc


for name, row in GLOBAL_HEADS.items():
    path = Path(sys.argv[1]) / f"{name}.json"
    path.write_text(json.dumps(adjust(json.loads(path.read_text()), *row), separators=(",", ":")) + "\n")
