// select2 puts a box of its own in the place of a select, and does not carry over the label.
{
  const $ = jQuery.noConflict(true);
  window.django = { jQuery: $ }; // by the name that the admin gives it

  const name = (select) => {
    const label = select.labels[0];
    const box = select.nextElementSibling?.querySelector("[role=combobox]");
    if (!label || !box) return;
    label.id ||= `${select.id}-label`;
    const shown = box.querySelector(".select2-selection__rendered");
    shown.removeAttribute("role"); // a text box inside the combobox would need a name, too
    shown.removeAttribute("aria-readonly");
    box.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
  };

  const nameSearch = (select) => {
    const search = document.querySelector(".select2-container--open .select2-search__field");
    search?.setAttribute("aria-label", `Search: ${select.labels[0]?.textContent.trim()}`);
  };

  $(() => {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      $(select).select2();
      name(select);
      $(select).on("select2:open", () => nameSearch(select));
    }
  });
}
