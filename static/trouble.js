// When Relay doesn't answer, or refuses, the page says so: what is typed then is not saved.
const banner = document.createElement("p");
banner.className = "trouble";
banner.setAttribute("role", "alert");

function say(text) {
  banner.textContent = text;
  if (!banner.isConnected) document.body.append(banner);
}

document.addEventListener("htmx:sendError", () => say("Relay doesn't answer. What you change now is not saved."));
document.addEventListener("htmx:responseError", () => say("Relay refused that. Load the page again; what you changed last is not saved."));
document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful !== false) banner.remove(); });
