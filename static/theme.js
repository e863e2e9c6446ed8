// Before the first paint: the chosen look, and a mark that scripts run.
const root = document.documentElement;
root.classList.add("js");
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;
} catch {
  // Storage is closed: the system's look stays.
}
