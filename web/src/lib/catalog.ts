// The catalog, bundled: what a scenario's names of models and cards stand for.
import gpus from "../../../build/catalog/gpus.packed.json";
import models from "../../../build/catalog/models.packed.json";
import { type PackedModels, type PackedRows, unpackGpus, unpackModels } from "../catalog/unpack";
import type { Catalog } from "../engine/types";

// Through unknown: the compiler would compare every row's own type with the shape of a row.
export const catalog: Catalog = {
  models: unpackModels(models as unknown as PackedModels),
  gpus: unpackGpus(gpus as unknown as PackedRows),
};
