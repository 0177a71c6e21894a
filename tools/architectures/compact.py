"""Makes an inventory small: what is written often is written once, what nobody reads is left out."""
import json
from collections import Counter


def text(e):
    return json.dumps(e, separators=(",", ":"))


def renamed(items, names):
    """Loop variables by depth, so that alike expressions look alike."""
    def change(e, known):
        if isinstance(e, str):
            return known.get(e, e)
        if isinstance(e, list):
            if e and e[0] == "'":
                return e
            if e and e[0] in ("map", "filter"):
                inner = {**known, e[1]: f"${len(known)}"}
                return [e[0], inner[e[1]], change(e[2], known), *[change(x, inner) for x in e[3:]]]
            return [e[0], *[change(x, known) for x in e[1:]]] if e and isinstance(e[0], str) else [change(x, known) for x in e]
        return e
    out = []
    for i in items:
        if isinstance(i, list):
            out.append([i[0], *[change(x, names) for x in i[1:]]])
        elif "for" in i:
            inner = {**names, i["for"][0]: f"${len(names)}"}
            out.append({"for": [inner[i["for"][0]], change(i["for"][1], names)], "do": renamed(i["do"], inner)})
        elif "if" in i:
            out.append({"if": change(i["if"], names), "do": renamed(i["do"], names)})
        else:
            out.append({k: change(v, names) if k == "need" else v for k, v in i.items()})
    return out


def expressions(items):
    for i in items:
        if isinstance(i, list):
            yield from ((i, k) for k in range(1, len(i)))
        elif "for" in i:
            yield i["for"], 1
            yield from expressions(i["do"])
        elif "if" in i:
            yield i, "if"
            yield from expressions(i["do"])
        elif "need" in i:
            yield i, "need"


def share(doc):
    """Expressions that occur more than once move to a list of their own."""
    places = [p for c in doc["classes"].values() for p in expressions(c)] + [(doc["let"], k) for k in doc["let"]]
    uses, seen = Counter(), set()

    def visit(e):
        if not isinstance(e, list) or not e or e[0] == "'":
            return
        t = text(e)
        uses[t] += 1
        if t not in seen:
            seen.add(t)
            for x in e[1:]:
                visit(x)
    for holder, key in places:
        visit(holder[key])
    table, index = [], {}

    def replaced(e):
        if not isinstance(e, list) or not e or e[0] == "'":
            return e
        t = text(e)
        if t in index:
            return index[t]
        made = [e[0], *[replaced(x) for x in e[1:]]]
        if uses[t] > 1 and len(text(made)) * (uses[t] - 1) > 8 * uses[t]:
            table.append(made)
            index[t] = f"@{len(table) - 1}"
            return index[t]
        return made
    for holder, key in places:
        holder[key] = replaced(holder[key])
    if table:
        doc["shared"] = table


def words(e, found):
    if isinstance(e, str):
        found.add(e.split(".")[-1].lstrip("?"))
    elif isinstance(e, list):
        for x in e if e and e[0] != "'" else []:
            words(x, found)
    elif isinstance(e, dict):
        for x in e.values():
            words(x, found)


CACHE = {"num_key_value_heads", "num_attention_heads", "head_dim", "hidden_size", "num_hidden_layers", "layer_types", "sliding_window",
         "kv_lora_rank", "qk_rope_head_dim", "is_encoder_decoder", "num_experts_per_tok", "top_k_experts", "moe_top_k", "moe_k",
         "num_experts_per_token", "use_sliding_window", "attention_chunk_size", "conv_L_cache", "n_embd", "n_layer", "n_head",
         "num_layers", "d_model", "decoder_layers", "multi_query", "new_decoder_architecture", "num_kv_heads", "layers_block_type"}


def finite(v):
    """JSON has no infinity; no shape depends on one."""
    if isinstance(v, float) and (v != v or v in (float("inf"), float("-inf"))):
        return None
    return [finite(x) for x in v] if isinstance(v, list) else v


def compact(docs):
    for doc in docs.values():
        doc["classes"] = {n: renamed(c, {}) for n, c in doc["classes"].items()}
    used = set(CACHE)
    for doc in docs.values():
        words(list(doc["classes"].values()), used)
        words(list(doc["let"].values()), used)
    for kind, doc in docs.items():
        doc["fields"] = {k: finite(v) for k, v in doc["fields"].items() if k in used}
        doc["let"] = {k: v for k, v in doc["let"].items() if k in used}
        doc["aliases"] = {k: v for k, v in doc["aliases"].items() if k in used}
        share(doc)
        for key in ("aliases", "configs", "auto", "extra", "let"):
            if not doc.get(key):
                doc.pop(key, None)
