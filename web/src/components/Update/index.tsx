import { render } from "preact";
import * as text from "../../text/update";
import "./style.css";

/** Says that another release is there. It comes when the visitor wants it, or with a later visit. */
export function announce(next: ServiceWorker): void {
  const place = document.body.appendChild(document.createElement("div"));
  const close = () => {
    render(null, place);
    place.remove();
  };
  const take = () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    next.postMessage("take-over");
  };
  render(
    <div class="update">
      <p role="status">{text.ready}</p>
      <button type="button" onClick={take}>{text.take}</button>
      <button type="button" onClick={close}>{text.later}</button>
    </div>,
    place,
  );
}
