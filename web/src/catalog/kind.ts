// The architecture, as a configuration of Transformers or Diffusers calls it.

export const kindOf = ({ model_type, _class_name }: Record<string, unknown>) => String(model_type ?? _class_name ?? "?");
