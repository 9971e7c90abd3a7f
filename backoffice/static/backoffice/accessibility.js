/* The theme opens its menus with clicks on plain elements. This makes each of them a button, which
   the Tab key reaches and which Enter and the space bar press. It says which part of the page is
   the main one. And since the page is hidden until Alpine has started, when the browser has given up
   on autofocus, it sets that focus. */
(() => {
  const NAMES = [
    ["sidebarToggle", "Show or hide the menu"],
    ["openTheme", "Choose light or dark"],
    ["openUserLinks", "Your account"],
  ];
  const CLICKABLE = "[x-on\\:click]";
  const NATIVE = "a[href], button, input, select, textarea, summary";

  function nameOf(element) {
    const code = element.getAttribute("x-on:click");
    return NAMES.find(([word]) => code.includes(word))?.[1];
  }

  function makeButton(element) {
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    const name = nameOf(element);
    if (name && !element.hasAttribute("aria-label")) {
      element.setAttribute("aria-label", name);
    }
  }

  function press(event) {
    const element = event.target;
    if (event.key !== "Enter" && event.key !== " ") return;
    if (!element.matches(CLICKABLE) || element.matches(NATIVE)) return;
    event.preventDefault();
    element.click();
  }

  function nameParts() {
    if (!document.querySelector("main")) {
      document.getElementById("content")?.setAttribute("role", "main");
    }
    document.getElementById("header-inner")?.parentElement?.setAttribute("role", "banner");
  }

  document.addEventListener("DOMContentLoaded", () => {
    nameParts();
    document.querySelectorAll(CLICKABLE).forEach((element) => {
      if (!element.matches(NATIVE)) makeButton(element);
    });
  });
  document.addEventListener("alpine:initialized", () => {
    // A frame later: Alpine shows the page after it has said that it has started.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) {
        document.querySelector("[autofocus]")?.focus();
      }
    });
  });
  document.addEventListener("keydown", press);
})();
