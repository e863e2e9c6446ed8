// Keeps the place of keyboard and screen reader users when the editor is shown again. What gets the focus is read out.
let former = null; // what had the focus before the swap, and what was pressed

function keyOf(node) {
  if (!node || node === document.body) return "";
  if (node.id) return `#${CSS.escape(node.id)}`;
  if (node.name) return `[name="${CSS.escape(node.name)}"]${node.value && node.matches("button") ? `[value="${CSS.escape(node.value)}"]` : ""}`;
  return node.matches("a[href]") ? `a[href="${CSS.escape(node.getAttribute("href"))}"]` : "";
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "editor") return;
  const pressed = event.detail.requestConfig?.triggeringEvent?.submitter;
  const active = document.activeElement;
  const rows = document.querySelectorAll("#form li").length;
  former = { key: keyOf(active), word: pressed?.value ?? "", place: active?.closest("li"), rows, card: openCard() };
  former.index = former.place ? [...former.place.parentElement.children].indexOf(former.place) : -1;
});

const openCard = () => document.querySelector("#form [name=step]")?.value;

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "editor" || !former) return;
  const before = former;
  former = null;
  const title = document.getElementById("form-title");
  const note = document.querySelector("#editor .question h2, #editor .messages, #editor .message.undo button");
  const next = note ?? newRow(before) ?? same(before) ?? title;
  focus(next);
  const card = document.querySelector(".card.is-open, .flow-link.is-open");
  if (openCard() !== before.card) card?.scrollIntoView({ block: "nearest" });
});

// The same button or field; another card was opened: its form.
function same({ key, card }) {
  return key && openCard() === card ? document.querySelector(`#editor ${key}`) : null;
}

// The first field of a row that was added; the row in the place of one that was removed.
function newRow({ word, rows, index }) {
  const items = [...document.querySelectorAll("#form li")];
  if (/^more\b/.test(word) && items.length > rows) return items.at(-1).querySelector("input, select, textarea");
  if (/^drop\b/.test(word)) return items[Math.min(index, items.length - 1)]?.querySelector("input, select, textarea");
  return null;
}

function focus(node) {
  if (!node) return;
  if (node.tabIndex < 0) node.tabIndex = -1;
  node.focus({ preventScroll: false });
}

// The second click of a double click does not press what has moved under the pointer.
let first = null;
document.addEventListener("click", (event) => {
  const button = event.target.closest("button, a, summary, input[type=checkbox]");
  if (event.detail > 1 && button !== first && button?.matches("button:not([type=button]), a.button")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  first = button;
}, true);
