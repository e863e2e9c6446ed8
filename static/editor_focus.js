// Keeps the focus where the person was when the editor is shown again, and says what was done.
let pressed = ""; // the command of the button that was pressed
let key = ""; // the id of the element that had the focus
const said = document.createElement("p");
said.className = "sr";
said.setAttribute("role", "status");
document.body.append(said);

const isShown = (element) => Boolean(element?.isConnected && element.checkVisibility());

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id !== "editor") return;
  pressed = event.detail.requestConfig?.triggeringEvent?.submitter?.value ?? "";
  key = document.activeElement?.id ?? "";
});

document.addEventListener("htmx:afterSettle", (event) => {
  const editor = document.getElementById("editor");
  if (!editor || event.detail.target?.id !== "editor") return;
  if (editor.dataset.said) said.textContent = editor.dataset.said;
  // A card that is moved by keys keeps the focus; a button of its menu is gone, so the server names another element.
  const wanted = key.startsWith("card-") ? key : editor.dataset.focus;
  const asked = wanted && document.getElementById(wanted);
  if (!isShown(asked) && document.activeElement !== document.body) return;
  const candidates = [asked, document.getElementById(key), ...again(), editor.querySelector(".cards [aria-current], #cards [aria-current]")];
  const next = candidates.find(isShown);
  next?.focus({ preventScroll: next !== asked });
});

// A link to a nested step shows its card, too, where the form is beside the list.
const opened = document.querySelector("#cards .is-open");
if (opened && matchMedia("(min-width: 821px)").matches && opened.getBoundingClientRect().bottom > innerHeight) {
  opened.scrollIntoView({ block: "center" });
}

// The button that was pressed, as it is on the page now; a row that was removed leaves its number to the next one.
function again() {
  if (!pressed) return [];
  const same = [...document.querySelectorAll("button[name=do]")].filter((button) => button.value === pressed);
  const [word, group] = pressed.split(" ");
  const more = word === "drop" ? [...document.querySelectorAll("button[name=do]")].filter((button) => button.value === `more ${group}`) : [];
  return [...same, ...more];
}
