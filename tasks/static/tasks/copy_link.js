// Copies an address that opens this form with what is typed in it: no secret and no file.
(() => {
  for (const button of document.querySelectorAll("[data-copy-link]")) {
    if (!navigator.clipboard) continue;
    const names = new Set(button.dataset.copyLink.split(" "));
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const address = new URL(location.pathname, location.origin);
      for (const [name, value] of new FormData(button.form)) {
        if (names.has(name) && typeof value === "string" && value) {
          address.searchParams.append(name, value);
        }
      }
      try {
        await navigator.clipboard.writeText(address.href);
        button.textContent = "Link copied";
      } catch {
        button.textContent = "The browser did not allow it";
      }
      setTimeout(() => (button.textContent = words), 3000);
    });
  }
})();
