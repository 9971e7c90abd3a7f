"use strict";
// Shows a question only while the answers before it ask for it. The server decides again: without
// this script every question is shown, and what does not apply is dropped.
{
    const values = (form, name) => {
        const controls = Array.from(form.elements).filter((control) => control.name === name);
        return controls
            .filter((control) => !control.disabled)
            .flatMap((control) => {
                if (control.type === "checkbox" && !control.hasAttribute("value")) {
                    return [String(control.checked)];
                }
                if (control.type === "checkbox" || control.type === "radio") {
                    return control.checked ? [control.value] : [];
                }
                return [control.value.trim()];
            });
    };

    const wrapper = (control) =>
        control.closest("[data-parameter], .form-field, .form-checkbox, fieldset") ||
        control.parentElement;

    const applies = (form, conditions) =>
        Object.entries(conditions).every(([name, wanted]) =>
            values(form, name).some((value) => wanted.includes(value)),
        );

    // In the order of the page: a question may depend on one that depends on another.
    const update = (form) => {
        for (const control of form.querySelectorAll("[data-only-if]")) {
            const shown = applies(form, JSON.parse(control.dataset.onlyIf));
            const box = wrapper(control);
            box.hidden = !shown;
            box.style.display = shown ? "" : "none";
            control.disabled = !shown;
        }
    };

    document.addEventListener("DOMContentLoaded", () => {
        const controls = document.querySelectorAll("[data-only-if]");
        for (const form of new Set(Array.from(controls, (control) => control.form))) {
            if (form) {
                form.addEventListener("input", () => update(form));
                form.addEventListener("change", () => update(form));
                // Browsers fill in earlier answers when a person comes back to the page.
                window.addEventListener("pageshow", () => update(form));
                update(form);
            }
        }
        // select2 tells jQuery only, and so no event reaches the listeners above.
        if (window.django && window.django.jQuery) {
            const $ = window.django.jQuery;
            $(document).on("change", "select.admin-autocomplete", (event) => {
                if (event.target.form) {
                    update(event.target.form);
                }
            });
        }
    });
}
