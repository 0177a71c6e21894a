import * as text from "../../text/import";
import { Folded } from "../Folded";

/** Where everything else than a model's name goes; what reads it comes when it is opened. */
export const Place = ({ given }: { given?: object }) => <Folded title={text.title} load={() => import(".")} opener={given} />;
