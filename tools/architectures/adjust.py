"""What the tracing does not see: layers whose heads differ, which the configuration classes pass through a setting of each layer.

Source: the __post_init__ of the classes named below.
"""

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


def give_layers_their_heads(doc, width, heads, gated):
    doc["fields"] |= {"global_head_dim": width, "num_global_key_value_heads": heads}
    where = ["and", FULL, ["truthy", "attention_k_eq_v"], ["truthy", "num_global_key_value_heads"]] if gated else FULL
    names = {
        "head_dim": ["if", FULL, "global_head_dim", "head_dim"],
        "num_key_value_heads": ["if", where, "num_global_key_value_heads", "num_key_value_heads"],
    }
    doc["shared"] = [adjusted(x, names) for x in doc.get("shared", [])]
    doc["classes"] = {k: [adjusted(x, names) for x in v] for k, v in doc["classes"].items()}


def adjust(docs):
    """Every type of the table that was traced; what was adjusted before stays as it is."""
    for name, row in GLOBAL_HEADS.items():
        if name in docs and "global_head_dim" not in docs[name]["fields"]:
            give_layers_their_heads(docs[name], *row)
