"""What tracing cannot tell: layers that share one block of attention, told from the code of the classes named below.

Source: Zamba{,2}Model, whose hybrid layers are tied to the first ones; AxialPositionEmbeddings, whose lists are written to by place;
DeformableDetrForObjectDetection, whose heads are tied by fields; GroundingDinoModel.
"""

HYBRID = ["'", "hybrid"]
KINDS = "layers_block_type"
IS_HYBRID = ["==", ["at", KINDS, "$0"], HYBRID]
HYBRIDS = ["sum", ["map", "$9", ["len", KINDS], ["if", ["==", ["at", KINDS, "$9"], HYBRID], 1, 0]]]
TIED = ["truthy", "tie_word_embeddings"]
INNER = ["*", "mamba_expand", "hidden_size"]
HEADS, GROUPS = ["*", "num_attention_heads", "attention_head_dim"], ["*", "num_key_value_heads", "attention_head_dim"]


def when(condition, *items):
    return {"if": condition, "do": list(items)}


def each(variable, count, *items):
    return {"for": [variable, count], "do": list(items)}


def attention(name, feeds):
    return [[f"{name}.self_attn.q_proj.weight", HEADS, "attention_hidden_size"], [f"{name}.self_attn.k_proj.weight", GROUPS, "attention_hidden_size"],
            [f"{name}.self_attn.v_proj.weight", GROUPS, "attention_hidden_size"], [f"{name}.self_attn.o_proj.weight", "hidden_size", HEADS], *feeds,
            [f"{name}.input_layernorm.weight", "attention_hidden_size"], [f"{name}.pre_ff_layernorm.weight", "hidden_size"]]


def zamba():
    block, mamba = "layers.*.shared_transf", "layers.*.mamba_decoder"
    feeds = [[f"{block}.feed_forward.{n}_proj.weight", "intermediate_size", "hidden_size"] for n in ("gate", "up")]
    head = ["//", INNER, "n_mamba_heads"]
    return [
        ["embed_tokens.weight", "vocab_size", "hidden_size"], ["final_layernorm.weight", "hidden_size"],
        each("$0", ["if", TIED, ["min", 1, HYBRIDS], HYBRIDS],
             *attention(block, [*feeds, [f"{block}.feed_forward.down_proj.weight", "hidden_size", "intermediate_size"]])),
        each("$0", ["len", KINDS], when(IS_HYBRID, ["layers.*.linear.weight", "hidden_size", "hidden_size"]),
             [f"{mamba}.input_layernorm.weight", "hidden_size"],
             [f"{mamba}.mamba.x_proj_weight", "n_mamba_heads", ["+", "mamba_dt_rank", ["*", "mamba_d_state", 2]], head],
             [f"{mamba}.mamba.dt_proj_weight", "n_mamba_heads", head, "mamba_dt_rank"], [f"{mamba}.mamba.dt_proj_bias", "n_mamba_heads", head],
             [f"{mamba}.mamba.A_log", "n_mamba_heads", head, "mamba_d_state"], [f"{mamba}.mamba.D", "n_mamba_heads", head],
             [f"{mamba}.mamba.conv1d.weight", INNER, 1, "mamba_d_conv"], when(["truthy", "mamba_conv_bias"], [f"{mamba}.mamba.conv1d.bias", INNER]),
             [f"{mamba}.mamba.in_proj.weight", ["*", INNER, 2], "hidden_size"], [f"{mamba}.mamba.out_proj.weight", "hidden_size", INNER],
             when(["truthy", "mamba_proj_bias"], [f"{mamba}.mamba.in_proj.bias", ["*", INNER, 2]], [f"{mamba}.mamba.out_proj.bias", "hidden_size"])),
    ]


def zamba2():
    block, mamba = "layers.*.shared_transformer", "layers.*.mamba_decoder"
    biased = ["truthy", "add_bias_linear"]
    wide, turns = ["*", 2, "intermediate_size"], ["==", ["%", "$1", "num_mem_blocks"], ["%", "$0", "num_mem_blocks"]]
    feeds = [[f"{block}.feed_forward.gate_up_proj.weight", wide, "hidden_size"], [f"{block}.feed_forward.down_proj.weight", "hidden_size", "intermediate_size"],
             when(biased, [f"{block}.feed_forward.gate_up_proj.bias", wide], [f"{block}.feed_forward.down_proj.bias", "hidden_size"])]
    adapters = [[f"{block}.self_attn.linear_{n}_adapter_list.*.{i}.weight", *shape] for n in "qkv"
                for i, shape in enumerate((("adapter_rank", "attention_hidden_size"), ("attention_hidden_size", "adapter_rank")))]
    convolved = ["+", INNER, ["*", ["*", 2, "mamba_ngroups"], "mamba_d_state"]]
    into = ["+", ["+", INNER, convolved], "n_mamba_heads"]
    return [
        ["embed_tokens.weight", "vocab_size", "hidden_size"], ["final_layernorm.weight", "hidden_size"],
        each("$0", ["if", TIED, ["min", "num_mem_blocks", HYBRIDS], HYBRIDS], *attention(block, feeds),
             each("$1", HYBRIDS, when(turns,
                  [f"{block}.feed_forward.gate_up_proj_adapter_list.*.0.weight", "adapter_rank", "hidden_size"],
                  [f"{block}.feed_forward.gate_up_proj_adapter_list.*.1.weight", wide, "adapter_rank"],
                  when(["truthy", "use_shared_attention_adapter"], *adapters)))),
        each("$0", ["len", KINDS], when(IS_HYBRID, ["layers.*.linear.weight", "hidden_size", "hidden_size"]),
             [f"{mamba}.input_layernorm.weight", "hidden_size"],
             [f"{mamba}.mamba.conv1d.weight", convolved, 1, "mamba_d_conv"], [f"{mamba}.mamba.conv1d.bias", convolved],
             [f"{mamba}.mamba.in_proj.weight", into, "hidden_size"], [f"{mamba}.mamba.out_proj.weight", "hidden_size", INNER],
             when(biased, [f"{mamba}.mamba.in_proj.bias", into], [f"{mamba}.mamba.out_proj.bias", "hidden_size"]),
             [f"{mamba}.mamba.dt_bias", "n_mamba_heads"], [f"{mamba}.mamba.A_log", "n_mamba_heads"], [f"{mamba}.mamba.D", "n_mamba_heads"],
             [f"{mamba}.mamba.norm.weight", INNER]),
    ]


def heads(model):
    return {f"{model}ForCausalLM": [{"use": f"{model}Model", "name": "model"}, when(["not", TIED], ["lm_head.weight", "vocab_size", "hidden_size"])],
            f"{model}ForSequenceClassification": [{"use": f"{model}Model", "name": "model"}, ["score.weight", "num_labels", "hidden_size"]]}


def axial(node):
    """The extents of reformer's axial positions: one along each axis, the others 1."""
    if isinstance(node, list) and node and isinstance(node[0], str) and "position_embeddings.weights" in node[0]:
        return [node[0], ["at", "axial_pos_shape", "$0"], ["at", "axial_pos_embds_dim", "$0"]]
    if isinstance(node, list):
        return [axial(x) for x in node]
    return {k: axial(v) for k, v in node.items()} if isinstance(node, dict) else node


def box_heads(items):
    """DeformableDetrForObjectDetection: heads of all layers are the first's, unless each refines; then they are the decoder's."""
    count = ["if", ["truthy", "two_stage"], ["+", "decoder_layers", 1], "decoder_layers"]

    def times(apart):
        return ["if", TIED, ["if", ["truthy", apart], count, 1], ["*", count, ["if", ["truthy", apart], 2, 1]]]
    boxes = [[f"bbox_embed.*.layers.{i}.{kind}", *shape] for i, n in enumerate(("d_model", "d_model", 4)) for kind, shape in (("weight", (n, "d_model")), ("bias", (n,)))]
    names = [["class_embed.*.weight", "num_labels", "d_model"], ["class_embed.*.bias", "num_labels"]]
    return [*(i for i in items if "_embed.*" not in str(i)), each("$0", times("with_box_refine"), *boxes), each("$0", times("two_stage"), *names)]


def state_space(node):
    """Jamba's logarithms: a row for each channel, repeated from one."""
    if isinstance(node, list) and node and isinstance(node[0], str) and node[0].endswith("mamba.A_log"):
        return [node[0], INNER, "mamba_d_state"]
    if isinstance(node, list):
        return [state_space(x) for x in node]
    return {k: state_space(v) for k, v in node.items()} if isinstance(node, dict) else node


def unpooled(node):
    """Grounding DINO's text backbone is made without its pooling layer."""
    if isinstance(node, dict) and node.get("use") == "BertModel":
        return {**node, "use": "BertModel(add_pooling_layer=False)"}
    if isinstance(node, list):
        return [unpooled(x) for x in node]
    return {k: unpooled(v) for k, v in node.items()} if isinstance(node, dict) else node


def share_blocks(docs):
    for name in ("grounding-dino", "mm-grounding-dino"):
        if name in docs:
            docs[name]["classes"] = unpooled(docs[name]["classes"])
    if "DeformableDetrForObjectDetection" in docs.get("deformable_detr", {}).get("classes", {}):
        classes = docs["deformable_detr"]["classes"]
        docs["deformable_detr"]["fields"] |= {"with_box_refine": False, "two_stage": False}
        classes["DeformableDetrForObjectDetection"] = box_heads(classes["DeformableDetrForObjectDetection"])
    if "jamba" in docs:
        docs["jamba"]["classes"] = state_space(docs["jamba"]["classes"])
    if "reformer" in docs:
        docs["reformer"]["classes"] = axial(docs["reformer"]["classes"])
    for name, model, items in (("zamba", "Zamba", zamba()), ("zamba2", "Zamba2", zamba2())):
        if name in docs:
            doc = docs[name]
            doc["classes"] = {**heads(model), f"{model}Model": items}
            doc.setdefault("auto", {})["AutoModel"] = f"{model}Model"
    if "zamba2" in docs:
        docs["zamba2"]["fields"] |= {"mamba_ngroups": 1, "num_mem_blocks": 1, "use_shared_attention_adapter": False, "adapter_rank": 128, "add_bias_linear": False}
