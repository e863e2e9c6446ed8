// A button with data-copy="#id" copies that element's text.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector(".say") ?? button;
  label.dataset.before ??= label.textContent; // Pressed twice, it says Copied already.
  label.textContent = (await copied(source.textContent)) ? "Copied" : "Select it";
  setTimeout(() => { label.textContent = label.dataset.before; }, 1500);
});

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text); // A page over plain HTTP on another host has no clipboard.
  }
}

function copiedByHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
