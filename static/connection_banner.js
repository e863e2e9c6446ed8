// Shows a banner when requests to Relay fail. Each reason stays until its cause is resolved.
const banner = document.createElement("p");
banner.className = "trouble";
banner.setAttribute("role", "alert");
const reasons = new Map();

export function say(text, reason = "page", signIn = "") {
  reasons.set(reason, [text, signIn]);
  show();
}

export function unsay(reason = "page") {
  if (reasons.delete(reason)) show();
}

function show() {
  const last = [...reasons.values()].at(-1);
  if (!last) {
    banner.remove();
    return;
  }
  const [text, signIn] = last;
  banner.textContent = text;
  if (signIn) {
    const link = document.createElement("a");
    link.href = "/sign-in/";
    link.target = "_blank";
    link.textContent = signIn;
    banner.append(" ", link);
  }
  if (!banner.isConnected) document.body.append(banner);
}

const isSaver = (event) => event.detail.elt?.id === "saver";
document.addEventListener("htmx:sendError", (event) => { if (!isSaver(event)) say("Relay doesn't answer. Trying again."); });
document.addEventListener("htmx:responseError", (event) => { if (!isSaver(event)) say("Relay could not do that. Reload the page and try again."); });
document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful !== false && !isSaver(event)) unsay(); });
