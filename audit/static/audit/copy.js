"use strict";
// Buttons that copy a link or an id. Without this script they are not shown: they would do nothing.
{
  const copied = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea"); // a page that is not served by HTTPS
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  };

  const copy = async (button) => {
    const { copy: text, link } = button.dataset;
    await copied(link ? new URL(link, location.href).href : text);
    const label = button.querySelector("span");
    const before = label.dataset.label ?? label.textContent;
    label.dataset.label = before;
    label.textContent = "Copied";
    setTimeout(() => (label.textContent = before), 2000);
  };

  for (const button of document.querySelectorAll("button[data-copy], button[data-link]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
