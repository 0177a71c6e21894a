"""The model of a scenario, as Transformers and peft build it."""
import contextlib

import torch
import transformers

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
ATTENTION = {"flash": "sdpa", "sdpa": "sdpa", "eager": "eager"}


def config_of(scenario):
    given = scenario["model"]
    if "config" in given:
        fields = dict(given["config"])
        return transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    if "id" in given:
        return transformers.AutoConfig.from_pretrained(given["id"])
    raise SystemExit('The scenario needs "model.config" or "model.id".')


def build(scenario, device):
    """Weights have no meaning: what they occupy is all that counts, so nothing is downloaded but a config.json."""
    work = scenario.get("training") or scenario.get("inference") or {}
    training = scenario.get("task") == "training"
    precision = work.get("precision", "bf16") if training else None
    stored = scenario.get("weights") or ("fp32" if precision == "fp32" or str(precision).endswith("-amp") else "bf16")
    if stored not in DTYPES:
        raise SystemExit(f'weights "{stored}" are not measured here; fp32, fp16 and bf16 are.')
    config = config_of(scenario)
    auto = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    with no_initialising(), torch.device(device):
        model = auto.from_config(config, dtype=DTYPES[stored], attn_implementation=ATTENTION[work.get("attention", "flash")])
    if training:
        model = adapted(model, work)
        if work.get("checkpointing", "none") == "full":
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            if work.get("method", "full") != "full":
                model.enable_input_require_grads()
        elif work.get("checkpointing", "none") != "none":
            raise SystemExit("Of checkpointing, none and full are measured here.")
    return model.train() if training else model.eval()


def adapted(model, training):
    method, lora = training.get("method", "full"), training.get("lora", {})
    if method == "full":
        return model
    if method not in ("lora", "dora"):
        raise SystemExit(f'method "{method}" is not measured here; full, lora and dora are.')
    from peft import LoraConfig, get_peft_model

    targets = lora.get("targets", ["q_proj", "v_proj"])
    config = LoraConfig(
        r=lora.get("rank", 16),
        target_modules="all-linear" if targets == ["all-linear"] else targets,
        lora_dropout=lora.get("dropout", 0),
        use_dora=method == "dora",
        modules_to_save=lora.get("modulesToSave") or None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config, autocast_adapter_dtype=lora.get("format", "fp32") == "fp32")


@contextlib.contextmanager
def no_initialising():
    """Random weights take minutes and change no size."""
    kept = {name: getattr(torch.nn.init, name) for name in ("normal_", "uniform_", "kaiming_uniform_", "trunc_normal_", "xavier_uniform_")}
    try:
        for name in kept:
            setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
        yield
    finally:
        for name, function in kept.items():
            setattr(torch.nn.init, name, function)
