// A click on a value in Data puts its name into the template field that has the focus, and into no other.
let target = null; // that field, also while the focus is in Data

const isField = (node) => node?.matches?.("[data-template]");
const inData = (node) => Boolean(node?.closest?.("#data"));

function choose(field) {
  target?.classList.remove("takes-values");
  target = field;
  target?.classList.add("takes-values");
}

document.addEventListener("focusin", (event) => {
  if (isField(event.target)) choose(event.target);
  else if (!inData(event.target) && !event.target.matches("main")) choose(null); // A click on no field focuses <main>.
});

// A click beside any field leaves it; one in Data does not take the focus away.
document.addEventListener("mousedown", (event) => {
  if (inData(event.target)) {
    if (event.target.closest("[data-insert], [data-insert-text], summary")) event.preventDefault();
  } else if (!isField(event.target)) {
    choose(null);
  }
});

document.addEventListener("click", (event) => {
  const leaf = event.target.closest("[data-insert], [data-insert-text]");
  if (!leaf) return;
  event.preventDefault();
  const hasField = Boolean(target?.isConnected && target.checkVisibility());
  showTools(leaf, hasField);
  if (hasField) insert(written(leaf));
  else choose(null);
});

function written(leaf) {
  const { insert: name, insertText: text } = leaf.dataset;
  return text ?? (target.dataset.template === "bare" ? name : `{{ ${name} }}`);
}

function insert(text) {
  target.focus();
  // As if it were typed, so that Ctrl+Z takes it back.
  if (!document.execCommand("insertText", false, text)) {
    target.setRangeText(text, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  }
  target.dispatchEvent(new Event("change", { bubbles: true }));
}

// The path and the value of the leaf that was clicked last can be copied.
function showTools(leaf, hasField) {
  const tools = document.querySelector("#data .leaf-tools");
  if (!tools) return;
  tools.hidden = false;
  tools.querySelector(".insert-hint").hidden = hasField;
  tools.querySelector("#leaf-path").textContent = leaf.dataset.insert ?? leaf.dataset.insertText;
  tools.querySelector("#leaf-value").textContent = leaf.querySelector(".value")?.textContent ?? "";
  if (!hasField) leaf.focus();
}
document.addEventListener("focusin", (event) => {
  const note = document.querySelector("#data .insert-hint");
  if (note && isField(event.target)) note.hidden = true;
});
