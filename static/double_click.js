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
