// A click on a leaf of the data tree puts its name at the cursor of the template field used last.
let field = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-template]")) field = event.target;
});

document.addEventListener("click", (event) => {
  const leaf = event.target.closest("[data-insert]");
  if (!leaf) return;
  event.preventDefault();
  const target = current();
  if (!target) return;
  const text = target.dataset.template === "bare" ? leaf.dataset.insert : `{{ ${leaf.dataset.insert} }}`;
  target.focus();
  target.setRangeText(text, target.selectionStart, target.selectionEnd, "end");
  target.dispatchEvent(new Event("input", { bubbles: true }));
  target.dispatchEvent(new Event("change", { bubbles: true }));
});

function current() {
  if (field?.isConnected) return field;
  // A swap may have replaced the field: its twin has the same id.
  return (field && document.getElementById(field.id)) ?? document.querySelector("[data-template]");
}
