// Light, dark, or as the system has it: the choice is this browser's.

const KEY = "stemedb.theme";
const CHOICES = ["auto", "light", "dark"];

function apply(choice) {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

/** Makes a select of the choices rule the page. */
export function startTheme(select) {
  const kept = localStorage.getItem(KEY);
  select.value = CHOICES.includes(kept) ? kept : "auto";
  apply(select.value);
  select.addEventListener("change", () => {
    localStorage.setItem(KEY, select.value);
    apply(select.value);
    dispatchEvent(new Event("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
}
