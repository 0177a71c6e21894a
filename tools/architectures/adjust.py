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


SLIDING = {"num_attention_heads": 64, "q_lora_rank": 1024, "kv_lora_rank": 1024, "head_dim": 256, "qk_nope_head_dim": 192, "v_head_dim": 128}


def give_sliding_layers_their_ranks(doc):
    """Dots3NoteTextConfig: fields of its own for layers that slide; older files call layers with an indexer full."""
    doc["fields"] |= {f"swa_{k}": v for k, v in SLIDING.items()} | {"swa_qk_rope_head_dim": None}
    doc["extra"] = sorted({*doc.get("extra", []), "use_dsa", "per_layer_config", "use_sliding_window"})
    slides = ["==", ["at", "layer_types", "$0"], ["'", "sliding_attention"]]
    names = {k: ["if", slides, f"swa_{k}", k] for k in SLIDING if k != "head_dim"}
    rope = ["given", "swa_qk_rope_head_dim", ["-", "swa_head_dim", "swa_qk_nope_head_dim"]]
    names["qk_rope_head_dim"] = ["if", slides, rope, "qk_rope_head_dim"]
    doc["shared"] = [adjusted(x, names) for x in doc["shared"]]
    doc["classes"] = {k: [adjusted(x, names) for x in v] for k, v in doc["classes"].items()}
    full, indexed = ["'", "full_attention"], ["'", "indexed_attention"]
    looks = ["or", ["==", ["given", "?use_sliding_window", True], False], ["<", "$2", 2], ["==", ["%", "$2", 4], 1]]
    usual = ["map", "$2", "?num_hidden_layers", ["if", looks, indexed, ["'", "sliding_attention"]]]
    layers = ["if", ["isnone", "?layer_types"], usual, "?layer_types"]
    one = ["at", layers, "$1"]
    sparse = ["given", "?use_dsa", ["not", ["has", "?per_layer_config"]]]
    renamed = ["if", ["and", ["truthy", sparse], ["==", one, full]], indexed, ["if", ["and", ["==", "?use_dsa", False], ["==", one, indexed]], full, one]]
    doc["let"]["layer_types"] = ["map", "$1", ["len", layers], renamed]


def give_blocks_their_experts(doc):
    """Dots3NoteVisionConfig: ever more experts from block 25 on, unless the file says otherwise."""
    usual = ["cat", ["rep", ["list", -1], 25], ["map", "$8", 16, ["*", 4, ["+", "$8", 1]]], ["list", 64]]
    alike = ["and", ["isnone", "?pyramid_num_routed"], ["not", ["isnone", "?mlp_layer_types"]], ["not", ["has", "?per_layer_config"]]]
    counts = ["if", ["isnone", "?pyramid_num_routed"], usual, "?pyramid_num_routed"]
    names = {"num_local_experts": ["if", alike, "?num_local_experts", ["at", counts, "$0"]]}
    doc["shared"] = [adjusted(x, names) for x in doc["shared"]]
    doc["classes"] = {k: [adjusted(x, names) for x in v] for k, v in doc["classes"].items()}


def without(items, prefix):
    """An inventory without the tensors of one part."""
    kept = []
    for i in items:
        if isinstance(i, list):
            kept += [] if i[0].startswith(prefix) else [i]
        elif "do" not in i:
            kept += [] if i.get("name", "").startswith(prefix) else [i]
        elif rest := without(i["do"], prefix):
            kept.append({**i, "do": rest})
    return kept


def let_it_read_its_text(doc):
    """Dots3NoteConfig makes its text's configuration of what is left of the file."""
    doc["configs"]["text_config"] = {"type": "dots3_note_text", "flat": True}
    text = {"use": "Dots3NoteTextModel", "type": "dots3_note_text", "at": "text_config", "name": "language_model"}
    doc["classes"]["Dots3NoteModel"] = [text, *without(doc["classes"]["Dots3NoteModel"], "language_model")]
    head = ["lm_head.weight", "text_config.vocab_size", "text_config.hidden_size"]
    doc["classes"]["Dots3NoteForConditionalGeneration"] = [
        {"use": "Dots3NoteModel", "name": "model"}, {"if": ["not", ["truthy", "text_config.tie_word_embeddings"]], "do": [head]}]


def adjust(docs):
    """Every type of the table that was traced; what was adjusted before stays as it is."""
    ranked = docs.get("dots3_note_text", {})
    if ranked.get("classes") and "swa_" not in str(ranked["classes"]) + str(ranked["shared"]):
        give_sliding_layers_their_ranks(ranked)
    if "Dots3NoteModel" in docs.get("dots3_note", {}).get("classes", {}) and "text_config" not in docs["dots3_note"]["configs"]:
        let_it_read_its_text(docs["dots3_note"])
    seen = docs.get("dots3_note_vision_encoder", {})
    if seen.get("classes") and "pyramid_num_routed" not in str(seen["classes"]):
        give_blocks_their_experts(seen)
    for name, row in GLOBAL_HEADS.items():
        if name in docs and "global_head_dim" not in docs[name]["fields"]:
            give_layers_their_heads(docs[name], *row)
