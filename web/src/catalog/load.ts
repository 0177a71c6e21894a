// The catalog as the page fetches it, after its first answer.
import gpusAddress from "../../../build/catalog/gpus.packed.json?url";
import modelsAddress from "../../../build/catalog/models.packed.json?url";
import type { Catalog } from "../engine/types";
import { jsonAt } from "../import/asset";
import { once } from "../import/once";
import { type PackedModels, type PackedRows, unpackGpus, unpackModels } from "./unpack";

export const loadCatalog = once(async (): Promise<Catalog> => {
  const [models, gpus] = await Promise.all([jsonAt(modelsAddress), jsonAt(gpusAddress)]);
  return { models: unpackModels(models as PackedModels), gpus: unpackGpus(gpus as PackedRows) };
});
