// The catalog as the page fetches it, after its first answer.
import gpusAddress from "../../../build/catalog/gpus.packed.json?url";
import modelsAddress from "../../../build/catalog/models.packed.json?url";
import type { Catalog } from "../engine/types";
import { readAsset } from "../import/asset";
import { unpackGpus, unpackModels } from "./unpack";

const jsonAt = async (address: string) => JSON.parse(new TextDecoder().decode(await readAsset(address)));

export async function loadCatalog(): Promise<Catalog> {
  const [models, gpus] = await Promise.all([jsonAt(modelsAddress), jsonAt(gpusAddress)]);
  return { models: unpackModels(models), gpus: unpackGpus(gpus) };
}
