/* Ctrl+K (on a Mac Cmd+K) goes to the search field of the header; where there is no room for one, to
   the page of the search. */
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const field = document.querySelector(".bo-search__words");
    const link = document.querySelector(".bo-search-link");
    if (!field || !link) return;
    event.preventDefault();
    if (field.checkVisibility()) {
      field.focus();
      field.select();
    } else {
      link.click();
    }
  });
})();
