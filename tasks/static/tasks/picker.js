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

  // What other fields hold that say which objects go with them.
  const others = (select) => {
    const names = (select.dataset.dependsOn || "").split(" ").filter(Boolean);
    const values = new FormData(select.form);
    return names.flatMap((name) =>
      [name, `${name}_currency`, `${name}-zone`]
        .filter((each) => values.has(each))
        .map((each) => [each, values.get(each)]),
    );
  };

  // An object that was chosen for another value would not go with the new one.
  const clearWith = (select) => {
    for (const name of (select.dataset.dependsOn || "").split(" ").filter(Boolean)) {
      $(select.form.elements[name]).on("change", () => $(select).val(null).trigger("change"));
    }
  };

  $(() => {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const data = (asked) => ({ ...asked, ...Object.fromEntries(others(select)) });
      $(select).select2(select.dataset.dependsOn ? { ajax: { data } } : undefined);
      clearWith(select);
      name(select);
      $(select).on("select2:open", () => nameSearch(select));
    }
  });
}
