// The catalog, bundled: what a scenario's names of models and cards stand for.
import gpus from "../../../build/catalog/gpus.json";
import models from "../../../build/catalog/models.json";
import type { Catalog } from "../engine/types";

// Through unknown: the compiler would compare every row's own type with the shape of a row.
export const catalog = { models, gpus } as unknown as Catalog;
