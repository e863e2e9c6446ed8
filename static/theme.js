// Runs before the first paint: applies the chosen theme, and marks the page as having scripts.
const root = document.documentElement;
root.classList.add("js");
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;
} catch {
  // Storage is closed: the system's look stays.
}
