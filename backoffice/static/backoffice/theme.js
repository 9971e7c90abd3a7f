// The theme that a person has chosen on the other pages, for the pages without the theme's scripts.
{
  const chosen = (localStorage.getItem("adminTheme") ?? "auto").replaceAll('"', "");
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
}
