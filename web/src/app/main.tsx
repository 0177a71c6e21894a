// Puts the page on screen, with the answer that was prepared; the engines come after it.
import { render } from "preact";
import first from "../../../build/catalog/first.json";
import prepared from "../../../build/catalog/first_answer.json";
import { App } from "../components/App";
import { engines } from "../engine/fetched_engines";
import { type Prepared, preparedEngine } from "../engine/prepared_engine";
import type { Catalog } from "../engine/types";
import { documentation } from "../installed/documentation";
import "./base.css";

const place = document.getElementById("page") as HTMLElement;
place.textContent = "";
// Once everything is there, it may be kept for when there is no network.
addEventListener("gpumem-engine", () => import("../installed/register").then(({ register }) => register(), () => {}), { once: true });
render(<App start={preparedEngine(prepared as Prepared)} later={engines} first={first as Catalog} documentation={documentation} />, place);
