// Selects runs of a list: the box above selects the page; buttons are enabled when a run is selected.
const picks = () => [...document.querySelectorAll("input[name=run][form=many]")];

function show() {
  const bar = document.querySelector("[data-select]");
  if (!bar) return;
  const boxes = picks();
  const count = boxes.filter((box) => box.checked).length;
  const all = bar.querySelector("[name=all]").checked;
  const page = bar.querySelector("[data-select-page]");
  page.checked = all || (count > 0 && count === boxes.length);
  page.indeterminate = !page.checked && count > 0;
  bar.querySelector("[data-select-count]").textContent = all ? "All are selected" : count ? `${count} selected` : "Select runs";
  bar.querySelector("[data-select-all]").hidden = !page.checked;
  for (const button of bar.querySelectorAll("button")) button.disabled = !all && count === 0;
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-select-page]")) {
    for (const one of picks()) one.checked = box.checked;
    if (!box.checked) document.querySelector("[data-select] [name=all]").checked = false;
  } else if (box.matches("input[name=run][form=many]")) {
    if (!box.checked) document.querySelector("[data-select] [name=all]").checked = false;
  } else if (!box.matches("[data-select] [name=all]")) {
    return;
  }
  show();
});
document.addEventListener("htmx:afterSettle", show);
addEventListener("pageshow", show); // Going back shows what was picked before.
show();
