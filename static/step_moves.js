// Moves steps in the list of cards: drags a card by its icon to a line between cards, or Alt and an arrow key.
const SLOP = 5; // pixels that a press may move and still be a press
const EDGE = 56; // pixels from the top and bottom in which a drag scrolls the page
let drag = null;

const form = () => document.getElementById("form");

// A command is sent by a button of the form, so that the open form is saved with it.
function send(command) {
  const button = document.createElement("button");
  Object.assign(button, { type: "submit", name: "do", value: command, hidden: true });
  form().append(button);
  button.click();
  button.remove();
}

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-drag]");
  if (!handle || event.button !== 0 || drag) return;
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  drag = { handle, pointer: event.pointerId, id: handle.dataset.drag, x: event.clientX, y: event.clientY, item: handle.closest("li") };
});

document.addEventListener("pointermove", (event) => {
  if (drag?.pointer !== event.pointerId) return;
  const { clientX, clientY } = event;
  if (!drag.label && Math.hypot(clientX - drag.x, clientY - drag.y) > SLOP) begin();
  if (!drag.label) return;
  drag.label.style.left = `${clientX + 12}px`;
  drag.label.style.top = `${clientY + 8}px`;
  drag.now = clientY;
  aim(clientY);
  drag.scroll = clientY < EDGE + 60 ? -12 : clientY > innerHeight - EDGE ? 12 : 0;
});

function begin() {
  drag.label = document.createElement("div");
  drag.label.className = "drag-label";
  drag.label.textContent = drag.item.querySelector(".card-name").textContent;
  document.body.append(drag.label);
  drag.item.classList.add("is-dragging");
  const step = () => {
    if (!drag?.label) return;
    if (drag.scroll) {
      scrollBy(0, drag.scroll);
      aim(drag.now);
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

// The nearest line between cards, outside of the dragged step.
function aim(y) {
  let nearest = null;
  let least = Infinity;
  for (const line of document.querySelectorAll("#cards [data-place]")) {
    if (drag.item.contains(line)) continue;
    const { top, bottom } = line.getBoundingClientRect();
    const distance = Math.abs((top + bottom) / 2 - y);
    if (distance < least) [nearest, least] = [line, distance];
  }
  if (nearest === drag.target) return;
  drag.target?.classList.remove("is-target");
  nearest?.classList.add("is-target");
  drag.target = nearest;
}

function end() {
  const ended = drag;
  drag = null;
  ended?.label?.remove();
  ended?.item.classList.remove("is-dragging");
  ended?.target?.classList.remove("is-target");
  return ended;
}

document.addEventListener("pointerup", (event) => {
  if (drag?.pointer !== event.pointerId) return;
  const { label, target, id, item } = end();
  if (!label) item.querySelector(".card-main").click();
  else if (target) send(`move ${id} ${target.dataset.place}`);
});
document.addEventListener("pointercancel", end);
document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.target?.id === "editor") end(); });

const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "out", ArrowRight: "into" };
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drag) end();
  const card = event.target.closest?.("[data-moves]");
  const word = KEYS[event.key];
  if (!card || !word || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = card.dataset.moves;
  if (address.includes(":") && (word === "out" || word === "into")) return;
  send(`${word} ${address}`);
});
