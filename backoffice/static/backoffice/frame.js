// The frame of every page: light or dark, the sidebar, menus that close, and Ctrl+K. It runs before
// the page is drawn, so that nothing changes its colour or place afterwards.
{
  const root = document.documentElement;
  const wide = matchMedia("(min-width: 80.0625rem)");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  // --- Light or dark: what this browser's user has chosen, or else what the system says.

  const chosenTheme = () => (localStorage.getItem("adminTheme") ?? "auto").replaceAll('"', "");

  const showTheme = () => {
    const chosen = chosenTheme();
    root.classList.toggle("dark", chosen === "dark" || (chosen === "auto" && prefersDark.matches));
    for (const button of document.querySelectorAll("[data-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === chosen));
    }
  };

  const chooseTheme = (theme) => {
    localStorage.setItem("adminTheme", JSON.stringify(theme));
    showTheme();
  };

  // --- The sidebar: beside the page where there is room, which is remembered; else over it.

  const isOpen = () =>
    wide.matches ? !root.classList.contains("bo-sidebar-closed") : root.classList.contains("bo-sidebar-open");

  const say = () => {
    for (const button of document.querySelectorAll("[data-sidebar]")) {
      button.setAttribute("aria-expanded", String(isOpen()));
    }
  };

  const opener = () => document.querySelector(".bo-header [data-sidebar]");

  const toggleSidebar = () => {
    const open = !isOpen();
    if (wide.matches) {
      root.classList.toggle("bo-sidebar-closed", !open);
      localStorage.setItem("sidebarOpen", open ? "1" : "0");
    } else {
      root.classList.toggle("bo-sidebar-open", open);
      (open ? document.querySelector(".bo-sidebar a") : opener())?.focus();
    }
    say();
  };

  const closeOverlay = () => {
    root.classList.remove("bo-sidebar-open");
    say();
  };

  const isOverlay = () => !wide.matches && isOpen();

  // --- Menus

  const closeMenus = (except = null) => {
    for (const menu of document.querySelectorAll("details[data-closes][open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };

  const clicked = (event) => {
    closeMenus(event.target);
    const button = event.target.closest("[data-theme], [data-sidebar]");
    if (button?.dataset.theme) chooseTheme(button.dataset.theme);
    else if (button) toggleSidebar();
    else if (isOverlay() && !event.target.closest("#sidebar")) closeOverlay();
  };

  const escape = () => {
    const menu = document.querySelector("details[data-closes][open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (isOverlay()) {
      toggleSidebar();
    }
  };

  // --- The search: its field in the header or, where there is no room for one, its page.

  const search = (event) => {
    const field = document.querySelector(".bo-search__words");
    const link = document.querySelector(".bo-search-link");
    if (!field || !link) return;
    event.preventDefault();
    if (!field.checkVisibility()) return link.click();
    field.focus();
    field.select();
  };

  const pressed = (event) => {
    if (event.key === "Escape") escape();
    const withCtrl = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (withCtrl && event.key.toLowerCase() === "k") search(event);
  };

  // Who tabs out of the sidebar that lies over the page goes on in the page.
  const moved = (event) => {
    if (isOverlay() && !event.target.closest("#sidebar")) closeOverlay();
  };

  showTheme();
  root.classList.toggle("bo-sidebar-closed", localStorage.getItem("sidebarOpen") === "0");
  prefersDark.addEventListener("change", showTheme);
  wide.addEventListener("change", closeOverlay);
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  document.addEventListener("focusin", moved);
  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    say();
    // Those in the theme's own controls: a screen reader would read out their names.
    for (const icon of document.querySelectorAll(".material-symbols-outlined")) icon.ariaHidden = "true";
    // What went wrong takes the focus, also in browsers that focus nothing but controls by themselves.
    if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
    document.querySelector(".bo-sidebar [aria-current]")?.scrollIntoView({ block: "nearest" });
  });
}
