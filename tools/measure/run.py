"""A step of training, or a prompt and a token after it, in phases."""
import contextlib

import torch

from model import build


def storages(tensors):
    """Bytes of the tensors, each storage once."""
    return sum({t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}.values())


def train(scenario, meter):
    t = scenario["training"]
    model = build(scenario, meter.device)
    optimizer = optimizer_of(t, [p for p in model.parameters() if p.requires_grad])
    tokens = torch.zeros((t.get("microBatch", 1), t.get("sequenceTokens", 2048)), dtype=torch.int64, device=meter.device)
    amp = {"bf16-amp": torch.bfloat16, "fp16-amp": torch.float16}.get(t.get("precision", "bf16"))
    # The first step makes the optimizer's states; the second one is as all that follow.
    for step in range(2):
        if step == 1:
            meter.phases.clear()
        with torch.autocast(meter.device, dtype=amp) if amp else contextlib.nullcontext():
            with meter.phase("forward"):
                loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
        with meter.phase("backward"):
            loss.backward()
        del loss
        with meter.phase("optimizer-step"):
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    states = [v for state in optimizer.state.values() for v in state.values() if isinstance(v, torch.Tensor)]
    return {
        # The loss is computed within the model's forward; there is no mark between the two.
        **{f"phase:{name}": peak for name, peak in meter.phases.items() if name != "forward"},
        "weights": storages(model.parameters()),
        "optimizer-states": storages(states),
        "parameters.total": sum(p.numel() for p in model.parameters()),
        "parameters.trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def optimizer_of(training, parameters):
    name, step = training.get("optimizer", "adamw"), training.get("optimizerStep", "fused")
    how = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}[step]
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=1e-5, **how)
    if name in ("sgd", "sgd-momentum"):
        return torch.optim.SGD(parameters, lr=1e-5, momentum=0.9 if name == "sgd-momentum" else 0, **how)
    raise SystemExit(f'optimizer "{name}" is not measured here; adamw, sgd and sgd-momentum are.')


def generate(scenario, meter):
    i = scenario.get("inference", {})
    prompt = i.get("promptTokens", i.get("contextTokens", 4096))
    model = build(scenario, meter.device)
    with torch.no_grad():
        tokens = torch.zeros((i.get("sequences", 1), prompt), dtype=torch.int64, device=meter.device)
        with meter.phase("prefill"):
            cache = model(input_ids=tokens, use_cache=True, logits_to_keep=1).past_key_values
        with meter.phase("decode"):
            model(input_ids=tokens[:, :1], past_key_values=cache, use_cache=True, logits_to_keep=1)
    return {
        **{f"phase:{name}": peak for name, peak in meter.phases.items()},
        "kvCache.bytes": storages([t for layer in cache.layers for t in (layer.keys, layer.values)]),
        "weights": storages(model.parameters()),
        "parameters.total": sum(p.numel() for p in model.parameters()),
    }
